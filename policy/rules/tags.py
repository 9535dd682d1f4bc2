"""Tags, by which what is in an account is told apart, also when it is restored."""

from collections.abc import Iterator
from typing import Any

from policy.resource import Resource
from policy.rule import rule
from policy.rules.types import INSTANCE, PLAN, REPORT_PLAN, SNAPSHOT, SNAPSHOT_COPY, SUBNETS, VAULT
from policy.stack import Stack
from strongroom.provider.values import UNKNOWN

_REMEDY = "Set tags, or default_tags of the provider"


def _bare(resource: Resource) -> bool:
    """Whether nothing tags a resource: tagsAll holds the provider's too."""
    return resource.lacks("tags") and resource.lacks("tagsAll")


@rule(
    "rds-tagged",
    "RDS instances, snapshots and subnet groups are tagged",
    remedy=_REMEDY,
    controls=("RDS.30", "RDS.32", "RDS.33"),
    on=(INSTANCE, SNAPSHOT, SNAPSHOT_COPY, SUBNETS),
)
def rds_tagged(resource: Resource, _: Stack) -> Iterator[str]:
    """A tag at least."""
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


@rule(
    "backup-recovery-points-tagged",
    "What a backup plan makes is tagged",
    remedy="Set recovery_point_tags in every rule of the plan",
    controls=("Backup.2",),
    on=(PLAN,),
)
def recovery_points_tagged(plan: Resource, _: Stack) -> Iterator[str]:
    """Tags on recovery points, plan rule by plan rule."""
    for each in plan.listed("rules"):
        if isinstance(each, dict) and not _said(each.get("recoveryPointTags")):
            yield f"the rule {each.get('ruleName')} tags nothing it makes"


def _said(value: Any) -> bool:
    return value is UNKNOWN or bool(value)
