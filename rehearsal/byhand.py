"""An instance as somebody made it by hand, long before there was a stack, and what becomes of it.

Network, subnet group, key, log and master are its own; the parameter group is RDS's default, and
the database was made in SQL, so RDS knows nothing of it.
"""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from rehearsal.scene import Scene

IDENTIFIER, MASTER, DATABASE, PORT = "shop-live", "postgres", "shop", 5432
CLASS, GIB, VERSION = "db.m6g.large", 200, "17.4"
#: What its master was given, by a person; whoever takes the instance over knows it.
PASSWORD = "chosen-by-a-person"  # noqa: S105 - of an instance that is gone in minutes

#: Calls that would end, restart or replace an instance.
_FATAL = ("RebootDBInstance", "DeleteDBInstance", "StopDBInstance")
_ROWS = "SELECT (SELECT count(*) FROM shop.orders), (SELECT count(*) FROM shop.events)"
_OWNERS = """
SELECT format('%I.%I', schemaname, tablename), tableowner FROM pg_tables
WHERE schemaname = 'shop' ORDER BY 1
"""


@dataclass(frozen=True)
class Found:
    """What is left as it was, or is not.

    Attributes:
        arn: the instance's.
        resource: RDS's own id of it, another one for another instance.
        made: when it was made.
        started: when its server was started.
        rows: of its two tables.
    """

    arn: str
    resource: str
    made: str
    started: str
    rows: tuple[Any, ...]


def make(scene: Scene) -> list[str]:
    """Make it; returns what there is then."""
    ec2, rds = scene.client("ec2"), scene.client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=f"{scene.region}{zone}"
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="shop", Description="The shop", VpcId=vpc)
    rds.create_db_subnet_group(
        DBSubnetGroupName="shop", DBSubnetGroupDescription="The shop's", SubnetIds=subnets
    )
    key = scene.client("kms").create_key(Description="The shop's")["KeyMetadata"]["Arn"]
    rds.create_db_instance(
        DBInstanceIdentifier=IDENTIFIER,
        Engine="postgres",
        EngineVersion=VERSION,
        DBInstanceClass=CLASS,
        AllocatedStorage=GIB,
        StorageType="gp2",
        StorageEncrypted=True,
        KmsKeyId=key,
        MasterUsername=MASTER,
        MasterUserPassword=PASSWORD,
        DBSubnetGroupName="shop",
        VpcSecurityGroupIds=[group["GroupId"]],
        BackupRetentionPeriod=7,
        EnableCloudwatchLogsExports=["postgresql"],
        Tags=[{"Key": "cost-centre", "Value": "4711"}],
    )
    scene.client("logs").create_log_group(logGroupName=log_group())
    with closing(connect(scene, "postgres")) as master:
        master.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with closing(connect(scene)) as master:
        text = resources.files("rehearsal").joinpath("sql/grown.sql").read_bytes()
        master.execute(text)
    scene.set("strongroom:database", DATABASE)
    scene.edit(
        scene.settings.name,
        lambda content: content["config"]["strongroom:aws"].update(vpc=vpc, subnets=subnets),
    )
    return [f"{IDENTIFIER}: {CLASS}, {GIB} GiB, PostgreSQL {VERSION}, its master is {MASTER}"]


def log_group() -> str:
    """Where RDS puts its log since it was made."""
    return f"/aws/rds/instance/{IDENTIFIER}/postgresql"


def way(scene: Scene) -> dict[str, str]:
    """How its master signs in, apart from the password: libpq's parameters."""
    gateway = scene.instances.gateways[IDENTIFIER]
    return {
        "host": gateway.door.host,
        "hostaddr": "127.0.0.1",
        "port": str(gateway.port),
        "user": MASTER,
        "dbname": DATABASE,
        "sslmode": "verify-full",
        "sslrootcert": str(scene.instances.authority.certificate),
    }


def connect(
    scene: Scene, database: str = DATABASE, password: str = PASSWORD
) -> psycopg.Connection[Any]:
    """Sign in as its master.

    Raises:
        psycopg.OperationalError: the password is not its any more.
    """
    given = {**way(scene), "dbname": database, "password": password}
    return psycopg.connect(**given, autocommit=True)  # type: ignore[arg-type]


def found(scene: Scene) -> Found:
    """How it is now."""
    (told,) = scene.client("rds").describe_db_instances(DBInstanceIdentifier=IDENTIFIER)[
        "DBInstances"
    ]
    with closing(scene.instances.servers[IDENTIFIER].superuser(DATABASE)) as admin:
        ((started,),) = admin.execute("SELECT pg_postmaster_start_time()::text").fetchall()
        (rows,) = admin.execute(_ROWS).fetchall()
    made = str(told["InstanceCreateTime"])
    return Found(told["DBInstanceArn"], told["DbiResourceId"], made, started, rows)


def owners(scene: Scene) -> dict[str, str]:
    """Who owns its tables."""
    with closing(scene.instances.servers[IDENTIFIER].superuser(DATABASE)) as admin:
        return dict(admin.execute(_OWNERS.encode()).fetchall())


def calls(scene: Scene) -> tuple[list[str], list[str]]:
    """What was asked of RDS that changes it, counted; and what should not have been."""
    counted = Counter(
        each.operation
        for each in scene.simulator.calls
        if each.instance == IDENTIFIER and not each.operation.startswith("Describe")
    )
    told = ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
    wrong = [f"RDS was asked to {each}" for each in _FATAL if counted[each]]
    return [f"asked of RDS for {IDENTIFIER}: {told}"], wrong
