"""Tags, by which what is in an account is told apart, also when it is restored."""

from collections.abc import Iterator

from policy.resource import Resource
from policy.rule import rule
from policy.rules.types import INSTANCE, PLAN, REPORT_PLAN, SNAPSHOT, SNAPSHOT_COPY, SUBNETS, VAULT
from policy.stack import Stack

_REMEDY = "Set tags, or default_tags of the provider"


def _bare(resource: Resource) -> bool:
    """Whether nothing tags a resource, neither itself nor its provider."""
    by_provider = resource.provider.get("defaultTags")
    return resource.lacks("tags") and resource.lacks("tagsAll") and not by_provider


@rule(
    "rds-tagged",
    "RDS instances, snapshots and subnet groups are tagged",
    remedy=_REMEDY,
    controls=("RDS.30", "RDS.32", "RDS.33", "Backup.2"),
    on=(INSTANCE, SNAPSHOT, SNAPSHOT_COPY, SUBNETS),
)
def rds_tagged(resource: Resource, _: Stack) -> Iterator[str]:
    """A tag at least; AWS Backup gives what it makes the tags of what it is of."""
    if _bare(resource):
        yield "it has no tag: nobody can tell which environment it belongs to"


@rule(
    "backup-tagged",
    "Backup vaults and plans are tagged",
    remedy=_REMEDY,
    controls=("Backup.3", "Backup.4", "Backup.5"),
    on=(VAULT, PLAN, REPORT_PLAN),
)
def backup_tagged(resource: Resource, _: Stack) -> Iterator[str]:
    """A tag at least."""
    if _bare(resource):
        yield "it has no tag: nobody can tell which environment it belongs to"
