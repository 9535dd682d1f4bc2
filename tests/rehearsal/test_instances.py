"""A simulated RDS instance is a real server whose master is as RDS makes it."""

from typing import Any

import psycopg
import pytest

from rehearsal.instances import Instances
from strongroom import reach
from tests.rehearsal.conftest import OTHER, REGION, Client

FIRST = "the first password"

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """What the first test made, for the others."""
    return {}


@pytest.fixture
def rds(aws: Client, made: dict[str, Any]) -> Any:
    client = aws("rds")
    if not made:
        answer = client.create_db_instance(
            DBInstanceIdentifier="production-primary",
            DBInstanceClass="db.m7g.large",
            Engine="postgres",
            EngineVersion="17.6",
            DBName="app",
            MasterUsername="root",
            MasterUserPassword=FIRST,
            AllocatedStorage=100,
            EnablePerformanceInsights=True,
            EnableIAMDatabaseAuthentication=True,
            EnableCloudwatchLogsExports=["postgresql"],
        )
        made.update(answer["DBInstance"])
    return client


@pytest.fixture
def sign_in(
    rds: Any, made: dict[str, Any], instances: Instances, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Signs in to the endpoint through the proxy."""
    monkeypatch.setenv("ALL_PROXY", instances.socks.url)

    def connect(user: str, **how: str) -> psycopg.Connection[Any]:
        parameters = {
            "host": made["Endpoint"]["Address"],
            "port": str(made["Endpoint"]["Port"]),
            "user": user,
            "dbname": "app",
            "sslmode": "verify-full",
            "sslrootcert": str(instances.authority.certificate),
            **how,
        }
        return reach.connect(parameters, autocommit=True)

    return connect


def test_the_master_signs_in_with_the_password_of_the_request_and_is_no_superuser(
    sign_in: Any, made: dict[str, Any]
) -> None:
    assert made["Endpoint"]["Address"].endswith(f".{REGION}.rds.amazonaws.com")
    with sign_in("root", password=FIRST) as session:
        query = "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'root'"
        assert session.execute(query).fetchone() == (False, True, True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE ROLE another SUPERUSER")


def test_what_rds_lets_its_master_do_is_lent_for_that_statement_only(sign_in: Any) -> None:
    with sign_in("root", password=FIRST) as session:
        session.execute(
            "CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'"
        )
        with session.transaction():
            session.execute("SELECT 1")
            session.execute("CREATE EVENT TRIGGER seen ON sql_drop EXECUTE FUNCTION seen()")
        query = "SELECT rolsuper FROM pg_roles WHERE rolname = 'root'"
        assert session.execute(query).fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE ROLE another SUPERUSER")


def test_extensions_that_rds_offers_belong_to_the_platform(sign_in: Any) -> None:
    with sign_in("root", password=FIRST) as session:
        for name in ("pg_cron", "pgaudit", "pg_stat_statements"):
            session.execute(f"CREATE EXTENSION {name}")
        query = "SELECT rolname FROM pg_roles, pg_namespace WHERE nspowner = pg_roles.oid"
        assert session.execute(f"{query} AND nspname = 'cron'").fetchone() == ("rdsadmin",)
        session.execute("CREATE ROLE clock")
        session.execute("GRANT clock TO root WITH SET TRUE")
        session.execute("GRANT USAGE ON SCHEMA cron TO clock")
        session.execute("SET ROLE clock")
        for schedule in ("5 seconds", "2 seconds"):
            session.execute("SELECT cron.schedule('beat', %s, 'SELECT 1')", [schedule])
        query = "SELECT jobname, username, schedule, command FROM cron.job"
        assert session.execute(query).fetchall() == [("beat", "clock", "2 seconds", "SELECT 1")]
        assert session.execute("SELECT cron.unschedule('beat')").fetchone() == (True,)


def test_a_password_changed_by_the_api_is_the_servers(sign_in: Any, rds: Any) -> None:
    try:
        rds.modify_db_instance(
            DBInstanceIdentifier="production-primary", MasterUserPassword="the second password"
        )
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            sign_in("root", password=FIRST)
        sign_in("root", password="the second password").close()
    finally:
        rds.modify_db_instance(DBInstanceIdentifier="production-primary", MasterUserPassword=FIRST)


def test_people_sign_in_by_iam(sign_in: Any) -> None:
    with sign_in("root", password=FIRST) as root:
        root.execute("CREATE ROLE ada LOGIN")
        with pytest.raises(psycopg.OperationalError):
            sign_in("ada", aws_region=REGION)
        root.execute("GRANT rds_iam TO ada")
    with sign_in("ada", aws_region=REGION) as session:
        assert session.execute("SELECT current_user").fetchone() == ("ada",)
    with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
        sign_in("ada", aws_region=OTHER)


def test_a_replica_has_settings_of_its_own(rds: Any, made: dict[str, Any]) -> None:
    replica = rds.create_db_instance_read_replica(
        DBInstanceIdentifier="production-replica", SourceDBInstanceIdentifier="production-primary"
    )["DBInstance"]
    assert replica["DbiResourceId"] != made["DbiResourceId"]
    assert replica["IAMDatabaseAuthenticationEnabled"] is False
    assert replica["PerformanceInsightsEnabled"] is False
    assert replica["EnabledCloudwatchLogsExports"] == []
    rds.modify_db_instance(
        DBInstanceIdentifier="production-replica",
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["upgrade"]},
    )
    primary = rds.describe_db_instances(DBInstanceIdentifier="production-primary")
    assert primary["DBInstances"][0]["EnabledCloudwatchLogsExports"] == ["postgresql"]


def test_backups_are_replicated_to_another_region_until_that_is_ended(
    aws: Client, rds: Any, made: dict[str, Any]
) -> None:
    there = aws("rds", OTHER)
    source = {"SourceDBInstanceArn": made["DBInstanceArn"]}
    started = there.start_db_instance_automated_backups_replication(
        **source, BackupRetentionPeriod=35
    )["DBInstanceAutomatedBackup"]
    arn = {"DBInstanceAutomatedBackupsArn": started["DBInstanceAutomatedBackupsArn"]}
    (found,) = there.describe_db_instance_automated_backups(**arn)["DBInstanceAutomatedBackups"]
    assert (found["Status"], found["BackupRetentionPeriod"]) == ("replicating", 35)
    there.stop_db_instance_automated_backups_replication(**source)
    assert there.describe_db_instance_automated_backups(**arn)["DBInstanceAutomatedBackups"] == []


def test_a_deleted_instance_leaves_no_server(
    rds: Any, instances: Instances, made: dict[str, Any]
) -> None:
    assert list(instances.servers) == ["production-primary"]
    for name in ("production-replica", "production-primary"):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    assert instances.servers == {}
    assert instances.socks.routes == {}
