"""What production has beside the published controls, so that no drop is the end of the data.

The rest of the floor stands with its controls: rds-deletion-protection, rds-multi-az, rds-tls,
rds-iam-authentication, backup-locked, protected.
"""

import json
from collections.abc import Iterator

from policy.resource import Resource
from policy.rule import Resources, rule, stack_rule
from policy.rules.backups import KEEP_DAYS
from policy.rules.instances import delay_of, is_replica
from policy.rules.types import ALARM, INSTANCE, PARAMETERS
from policy.stack import Stack
from strongroom.provider.values import UNKNOWN


@rule(
    "floor-retention",
    f"RDS primaries keep automated backups for {KEEP_DAYS} days",
    remedy=f"Set backup_retention_period={KEEP_DAYS}",
    on=(INSTANCE,),
)
def retention(instance: Resource, _: Stack) -> Iterator[str]:
    """As long as RDS can: what was lost may be missed late."""
    if not is_replica(instance) and instance.is_under("backupRetentionPeriod", KEEP_DAYS):
        yield f"backup_retention_period is {instance.get('backupRetentionPeriod', 0)} days"


@rule(
    "floor-final-snapshot",
    "RDS primaries leave a snapshot when they are deleted",
    remedy="Leave skip_final_snapshot out and set final_snapshot_identifier",
    on=(INSTANCE,),
)
def final_snapshot(instance: Resource, _: Stack) -> Iterator[str]:
    """A last snapshot, with a name; automated backups are kept too."""
    if is_replica(instance):
        return
    if instance.is_on("skipFinalSnapshot"):
        yield "skip_final_snapshot is on: nothing is left when it is deleted"
    elif instance.lacks("finalSnapshotIdentifier"):
        yield "final_snapshot_identifier is not set: deleting it fails half-way"


@stack_rule(
    "floor-delayed-replica",
    "Each stack with a primary has a delayed replica",
    remedy="Set replicaDelaySeconds, or give a replica a parameter group with "
    "recovery_min_apply_delay",
    on=(INSTANCE,),
)
def delayed_replica(resources: Resources, _: Stack) -> Iterator[tuple[None, str]]:
    """A replica whose parameter group holds commits back still has what was just lost."""
    if not any(map(is_replica, _delayed(resources))):
        yield None, "no replica is delayed: what is dropped is gone everywhere in a second"


@stack_rule(
    "floor-heartbeat",
    "The delayed replica's heartbeat is watched",
    remedy='Make an alarm on the heartbeat with treat_missing_data="breaching"',
    on=(INSTANCE,),
)
def heartbeat(resources: Resources, _: Stack) -> Iterator[tuple[None, str]]:
    """PostgreSQL delays commits only: without a heartbeat a drop is replayed at once."""
    if not _delayed(resources):
        return
    watching = [each for each in resources.of(ALARM) if _is_heartbeat(each)]
    if not watching:
        yield None, "no alarm is about the heartbeat: when it stops, the delay is gone unseen"
    elif not any(each.get("treatMissingData") in ("breaching", UNKNOWN) for each in watching):
        yield None, "the heartbeat's alarm takes silence for health"


def _delayed(resources: Resources) -> list[Resource]:
    groups = [each for each in resources.of(PARAMETERS) if delay_of(each)]
    return [
        instance
        for instance in resources.of(INSTANCE)
        if any(instance.comes_from("parameterGroupName", each, "name", "id") for each in groups)
    ]


def _is_heartbeat(alarm: Resource) -> bool:
    told = [alarm.name, *(alarm.get(key) for key in ("name", "metricName", "metricQueries"))]
    return "heartbeat" in json.dumps(told, default=str).lower()
