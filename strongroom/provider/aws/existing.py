"""An instance that is to be taken over: what of it does not fit what is declared, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from strongroom.errors import StrongroomError
from strongroom.provider.resource import Properties

#: A property of `Lasting`, and why the instance does not fit it.
Misfit = tuple[str, str]

#: The oldest major version of PostgreSQL that a stack can have (`strongroom.reading.aws_form`).
_OLDEST = 17

#: What RDS says when there is no instance of a name.
_NOT_THERE = "DBInstanceNotFound"


class Existing(Properties):
    """The instance, and what would restart it or replace it if it were another."""

    identifier: str = Field(description="The instance's.")
    master: str = Field(description="What its master is called.")
    region: str = Field(description="Where it is.")
    port: int = Field(description="TCP port.")
    instance_class: str = Field(description="Such as db.m7g.large.")


class UnseenError(StrongroomError):
    """RDS could not be asked; the reason, in its words."""


def look(identifier: str, region: str) -> Mapping[str, Any]:
    """The instance as RDS describes it; empty when there is none.

    Args:
        identifier: the instance's.
        region: where it is.

    Raises:
        UnseenError: RDS could not be asked.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("rds", region_name=region)
        found = client.describe_db_instances(DBInstanceIdentifier=identifier)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == _NOT_THERE:
            return {}
        raise UnseenError(" ".join(str(error).split())) from error
    instance: Mapping[str, Any] = found["DBInstances"][0]
    return instance


def misfits(
    found: Mapping[str, Any], wanted: Existing, network: str, version: str, gb: int
) -> Iterator[Misfit]:
    """Whatever would replace the instance or restart it, or let it not be taken over at all.

    Args:
        found: as `look` finds it.
        wanted: as it is declared.
        network: the id of the network that is declared.
        version: PostgreSQL's version that is declared.
        gb: storage that is declared, GiB.
    """
    if not found:
        what = f"there is no instance {wanted.identifier!r} in {wanted.region} to take over"
        yield "existing", f"{what}. Write its identifier as `aws rds describe-db-instances` does"
        return
    yield from _impossible(found, wanted.identifier)
    if found["MasterUsername"] != wanted.master:
        name = found["MasterUsername"]
        reason = f"its master is called {name!r}, and RDS gives another name to a new one only"
        yield "existing", f"{reason}. Set existing.master in strongroom:aws to {name}"
    port = (found.get("Endpoint") or {}).get("Port") or found.get("DbInstancePort")
    if port and port != wanted.port:
        reason = f"it listens on port {port}, and {wanted.port} would restart it at once"
        yield "existing", f"{reason}. Set strongroom:port to {port}"
    if found["DBInstanceClass"] != wanted.instance_class:
        size = found["DBInstanceClass"]
        reason = f"it is a {size}, and {wanted.instance_class} would restart it"
        yield (
            "existing",
            f"{reason}. Set instanceClass in strongroom:aws to {size}; change it later",
        )
    runs = found["EngineVersion"]
    if not f"{runs}.".startswith(f"{version}."):
        major = runs.partition(".")[0]
        reason = f"it runs {runs}, and {version} would restart it"
        remedy = f"Set engineVersion in strongroom:aws to '{major}'"
        if int(major) < _OLDEST:
            remedy = f"{_OLDEST} is the oldest there is here: upgrade it first, then take it over"
        yield "engineVersion", f"{reason}. {remedy}"
    stands = (found.get("DBSubnetGroup") or {}).get("VpcId")
    if stands != network:
        reason = f"it stands in {stands}, so in {network} nothing would reach it"
        yield "network", f"{reason}. Set vpc and subnets in strongroom:aws to its own"
    if found["AllocatedStorage"] > gb:
        size = found["AllocatedStorage"]
        reason = f"it has {size} GiB and storage only grows, so {gb} would be a wrong measure for"
        yield (
            "storageGb",
            f"{reason} alarms and kept WAL. Set storageGb in strongroom:aws to {size}",
        )


def _impossible(found: Mapping[str, Any], identifier: str) -> Iterator[Misfit]:
    """What no setting can mend."""
    engine, source = found["Engine"], found.get("ReadReplicaSourceDBInstanceIdentifier")
    if engine != "postgres" or found.get("DBClusterIdentifier"):
        reason = f"it is of a cluster, or no PostgreSQL of RDS's own ({engine}), and another one"
        yield "existing", f"{reason} would take its place. Move the data by logical replication"
    elif source:
        reason = f"it follows {source}, so nothing can be changed in it. Take that one over, or"
        yield "existing", f"{reason} promote this one first (promote-read-replica)"
    if not found.get("StorageEncrypted"):
        reason = "its storage is not encrypted, and RDS encrypts new storage only. Copy a snapshot"
        rest = "with a key (copy-db-snapshot --kms-key-id), restore the copy, and take that over"
        yield "existing", f"{reason} {rest}"
    if found.get("MasterUserSecret"):
        reason = "RDS itself keeps its master's password, and makes no replica while it does. Run"
        command = f"`aws rds modify-db-instance --db-instance-identifier {identifier}"
        rest = "--no-manage-master-user-password --master-user-password …` first"
        yield "existing", f"{reason} {command} {rest}"


def changes(found: Mapping[str, Any]) -> Iterator[str]:
    """What taking it over changes in place, a sentence without its full stop for each thing."""
    groups = [each["DBParameterGroupName"] for each in found.get("DBParameterGroups", ())]
    if groups:
        yield (
            f"the parameter group {', '.join(groups)} gives way to ours, which takes effect when "
            "somebody restarts the instance (reboot-db-instance): RDS does not by itself. Until "
            "then there is no pgaudit, no heartbeat and none of our settings"
        )
    doors = [each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", ())]
    if doors:
        yield (
            f"the security groups {', '.join(doors)} come off it: who comes in through them needs "
            "to be a member of one in `clients`"
        )
    if found.get("PubliclyAccessible"):
        yield "its public address goes: who comes from outside has no way in"
