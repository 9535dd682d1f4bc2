"""The Security Hub controls that one RDS instance satisfies or does not."""

from collections.abc import Iterator

from policy.resource import Resource, under
from policy.rule import rule
from policy.rules.types import INSTANCE, PARAMETERS
from policy.stack import Stack
from strongroom.provider.values import UNKNOWN, has_unknown

#: Names and ports an attacker tries first.
USUAL_NAMES = frozenset({"admin", "postgres"})
USUAL_PORT = 5432


def is_replica(instance: Resource) -> bool:
    """Whether an instance follows another one."""
    return bool(instance.get("replicateSourceDb"))


@rule(
    "rds-private",
    "RDS instances have no public address",
    remedy="Leave publicly_accessible out or set it to False, so that only the VPC reaches it",
    controls=("RDS.2", "CIS AWS 3.2.3"),
    on=(INSTANCE,),
)
def private(instance: Resource, _: Stack) -> Iterator[str]:
    """No public address."""
    if instance.is_on("publiclyAccessible"):
        yield "publicly_accessible is on: the instance gets an address on the internet"


@rule(
    "rds-encrypted",
    "RDS instances are encrypted at rest",
    remedy="Set storage_encrypted=True; an existing instance has to be restored from an encrypted "
    "copy of a snapshot",
    controls=("RDS.3", "CIS AWS 3.2.1"),
    on=(INSTANCE,),
)
def encrypted(instance: Resource, _: Stack) -> Iterator[str]:
    """Storage encryption; a replica in the same region has its source's."""
    if not is_replica(instance) and instance.is_off("storageEncrypted"):
        yield "storage_encrypted is off: disk, snapshots and replicas are in the clear"


@rule(
    "rds-multi-az",
    "RDS primaries have a standby in a second zone",
    remedy="Set multi_az=True",
    controls=("RDS.5", "CIS AWS 3.2.4"),
    on=(INSTANCE,),
)
def multi_az(instance: Resource, _: Stack) -> Iterator[str]:
    """Multi-AZ; a replica is itself the second copy."""
    if not is_replica(instance) and instance.is_off("multiAz"):
        yield "multi_az is off: one zone's outage is the database's"


@rule(
    "rds-enhanced-monitoring",
    "RDS instances have enhanced monitoring",
    remedy="Set monitoring_interval to 1, 5, 10, 15, 30 or 60 seconds, and monitoring_role_arn",
    controls=("RDS.6",),
    on=(INSTANCE,),
)
def enhanced_monitoring(instance: Resource, _: Stack) -> Iterator[str]:
    """Metrics of the operating system."""
    if instance.is_under("monitoringInterval", 1):
        yield "monitoring_interval is 0: what the operating system does is not seen"


@rule(
    "rds-deletion-protection",
    "RDS instances refuse to be deleted",
    remedy="Set deletion_protection=True",
    controls=("RDS.8",),
    on=(INSTANCE,),
)
def deletion_protection(instance: Resource, _: Stack) -> Iterator[str]:
    """Deletion protection, also of replicas: a delayed one may hold all there is left."""
    if instance.is_off("deletionProtection"):
        yield "deletion_protection is off: one API call deletes the instance"


@rule(
    "rds-logs-exported",
    "RDS instances export their logs to CloudWatch",
    remedy='Set enabled_cloudwatch_logs_exports=["postgresql", "upgrade"]',
    controls=("RDS.9", "RDS.36"),
    on=(INSTANCE,),
)
def logs_exported(instance: Resource, _: Stack) -> Iterator[str]:
    """PostgreSQL's log and that of upgrades."""
    exported = instance.get("enabledCloudwatchLogsExports", [])
    missing = {"postgresql", "upgrade"} - instance.texts("enabledCloudwatchLogsExports")
    if missing and not has_unknown(exported):
        yield f"{' and '.join(sorted(missing))} is not exported: nobody is told what was done"


@rule(
    "rds-iam-authentication",
    "RDS instances take IAM tokens instead of passwords",
    remedy="Set iam_database_authentication_enabled=True",
    controls=("RDS.10",),
    on=(INSTANCE,),
)
def iam_authentication(instance: Resource, _: Stack) -> Iterator[str]:
    """IAM database authentication."""
    if instance.is_off("iamDatabaseAuthenticationEnabled"):
        yield "iam_database_authentication_enabled is off: people would need passwords"


@rule(
    "rds-backups",
    "RDS primaries are backed up automatically",
    remedy="Set backup_retention_period to 7 days or more",
    controls=("RDS.11",),
    on=(INSTANCE,),
)
def backups(instance: Resource, _: Stack) -> Iterator[str]:
    """Automated backups of at least 7 days."""
    if not is_replica(instance) and instance.is_under("backupRetentionPeriod", 7):
        days = instance.get("backupRetentionPeriod", 0)
        yield f"backup_retention_period is {days}: there is nothing older to go back to"


@rule(
    "rds-minor-upgrades",
    "RDS instances take minor versions by themselves",
    remedy="Leave auto_minor_version_upgrade out or set it to True",
    controls=("RDS.13", "CIS AWS 3.2.2"),
    on=(INSTANCE,),
)
def minor_upgrades(instance: Resource, _: Stack) -> Iterator[str]:
    """Automatic minor version upgrades, which are on unless switched off."""
    if instance.is_off("autoMinorVersionUpgrade", default=True):
        yield "auto_minor_version_upgrade is off: security fixes wait for somebody"


@rule(
    "rds-snapshots-tagged",
    "RDS instances copy their tags to snapshots",
    remedy="Set copy_tags_to_snapshot=True",
    controls=("RDS.17",),
    on=(INSTANCE,),
)
def snapshots_tagged(instance: Resource, _: Stack) -> Iterator[str]:
    """Copied tags."""
    if instance.is_off("copyTagsToSnapshot"):
        yield "copy_tags_to_snapshot is off: a snapshot does not tell whose it is"


@rule(
    "rds-in-vpc",
    "RDS primaries are in a VPC that was chosen",
    remedy="Set db_subnet_group_name and vpc_security_group_ids",
    controls=("RDS.18",),
    on=(INSTANCE,),
)
def in_vpc(instance: Resource, _: Stack) -> Iterator[str]:
    """A subnet group and security groups of its own; without them RDS takes the default VPC's."""
    for key, said in (
        ("dbSubnetGroupName", "db_subnet_group_name"),
        ("vpcSecurityGroupIds", "vpc_security_group_ids"),
    ):
        if not is_replica(instance) and instance.lacks(key):
            yield f"{said} is not set: the default VPC's would be taken"


@rule(
    "rds-port",
    "RDS instances listen on a port of their own",
    remedy="Set port to another number, such as 6432",
    controls=("RDS.23",),
    on=(INSTANCE,),
)
def port(instance: Resource, stack: Stack) -> Iterator[str]:
    """Not PostgreSQL's usual port; a replica without one has its source's.

    An instance that was taken over keeps its port: another one restarts it at once.
    """
    chosen = instance.get("port", USUAL_PORT if not is_replica(instance) else None)
    if chosen == USUAL_PORT and not stack.taken_over:
        yield f"port is {USUAL_PORT}, which is tried first"


@rule(
    "rds-master-name",
    "The master is not called as everybody's",
    remedy="Set username to another name, such as root",
    controls=("RDS.25",),
    on=(INSTANCE,),
)
def master_name(instance: Resource, stack: Stack) -> Iterator[str]:
    """A name of the master's that is not RDS's own proposal, save where there was no choice."""
    name = instance.text("username")
    if name.lower() in USUAL_NAMES and not (stack.taken_over and name == stack.root):
        yield f"username is {name}, which is tried first"


@rule(
    "rds-tls",
    "RDS takes no connection without TLS",
    remedy='Give the instance a parameter group of its own with rds.force_ssl = "1"',
    controls=("RDS.38",),
    on=(INSTANCE, PARAMETERS),
)
def tls(resource: Resource, _: Stack) -> Iterator[str]:
    """rds.force_ssl, in a parameter group that is PostgreSQL's."""
    if resource.type == INSTANCE:
        if resource.lacks("parameterGroupName"):
            yield "parameter_group_name is not set: rds.force_ssl is not ours to keep"
        return
    if not resource.text("family").startswith("postgres"):
        return
    forced = parameter(resource, "rds.force_ssl")
    if forced is not UNKNOWN and str(forced) not in ("1", "true", "on"):
        yield f"rds.force_ssl is {forced or 'not set'}: passwords and rows may cross in the clear"


def parameter(group: Resource, name: str) -> object:
    """The value of a parameter in a parameter group; None when it is not there."""
    if group.get("parameters") is UNKNOWN:
        return UNKNOWN
    for each in group.listed("parameters"):
        # One that is not known yet may be this one.
        known = each.get("name") if isinstance(each, dict) else UNKNOWN
        if known in (name, UNKNOWN):
            return each.get("value") if known == name else UNKNOWN
    return None


def delay_of(group: Resource) -> bool:
    """Whether a parameter group holds commits back."""
    return not under(parameter(group, "recovery_min_apply_delay"), 1)
