"""AWS Backup: what is copied, how often, where to, and whether anybody could remove it."""

import re
from collections.abc import Iterator
from typing import Any

from policy.resource import Resource, under
from policy.rule import Resources, rule, stack_rule
from policy.rules.instances import is_replica
from policy.rules.types import (
    INSTANCE,
    PLAN,
    RESTORE_TEST,
    RESTORE_TESTED,
    SELECTION,
    VAULT,
    VAULT_LOCK,
)
from policy.stack import Stack
from strongroom.provider.values import UNKNOWN

#: Days everything is kept, which is the most RDS keeps by itself.
KEEP_DAYS = 35
#: Days a loss may stay unseen, over a weekend and a holiday.
LOCK_DAYS = 7
_EVERY_DB = re.compile(r"\*|arn:[\w*-]+:(rds:[\w*-]*:[\d*]*:(db:)?\*|\*)")


@rule(
    "backup-encrypted",
    "Backup vaults are encrypted by a key of their own",
    remedy="Set kms_key_arn to a key whose policy is yours",
    controls=("Backup.1",),
    on=(VAULT,),
)
def vault_encrypted(vault: Resource, _: Stack) -> Iterator[str]:
    """A key of its own: with AWS's own no copy can go to another account."""
    if vault.lacks("kmsKeyArn"):
        yield "kms_key_arn is not set"


@stack_rule(
    "backup-planned",
    "RDS primaries are in a backup plan",
    remedy="Make an aws.backup.Selection for the plan whose resources hold the instance's arn",
    controls=("RDS.26", "Backup Audit Manager: protected by a backup plan"),
    on=(INSTANCE,),
)
def planned(resources: Resources, _: Stack) -> Iterator[tuple[Resource, str]]:
    """Each is selected by its ARN, by a pattern, or by a tag it carries."""
    for instance in resources.of(INSTANCE):
        selections = resources.of(SELECTION)
        if not is_replica(instance) and not any(_selects(each, instance) for each in selections):
            yield instance, "no backup plan selects it"


def _selects(selection: Resource, instance: Resource) -> bool:
    if selection.get("resources") is UNKNOWN or selection.comes_from("resources", instance, "arn"):
        return True
    if any(map(_EVERY_DB.fullmatch, selection.texts("resources"))):
        return True
    tags = instance.get("tags", {})
    return any(
        not isinstance(tags, dict) or tags.get(str(each.get("key"))) == each.get("value", UNKNOWN)
        for each in selection.listed("selectionTags")
        if isinstance(each, dict)
    )


@rule(
    "backup-daily",
    "A backup plan copies daily and keeps it 35 days",
    remedy="Give the plan a rule with a daily schedule and lifecycle.delete_after of 35 or more",
    controls=("Backup Audit Manager: minimum frequency and minimum retention",),
    on=(PLAN,),
)
def daily(plan: Resource, _: Stack) -> Iterator[str]:
    """One rule at least that is both; the plan may have more for other ends."""
    rules = plan.listed("rules")
    if plan.get("rules") is not UNKNOWN and not any(map(_is_daily, rules)):
        yield f"no rule copies at least daily and keeps it {KEEP_DAYS} days"


def _is_daily(rule: Any) -> bool:
    if not isinstance(rule, dict):
        return True
    schedule, lifecycle = rule.get("schedule"), rule.get("lifecycle")
    kept = lifecycle.get("deleteAfter") if isinstance(lifecycle, dict) else lifecycle
    # Without an end it is kept for good.
    enough = kept is None or not under(kept, KEEP_DAYS)
    if schedule is UNKNOWN:
        return enough
    parts = re.fullmatch(r"cron\(\S+ \S+ (\S+) (\S+) (\S+) \S+\)", str(schedule).strip())
    by_calendar = parts is not None and {*parts.groups()} <= {"*", "?", "1/1"}
    by_rate = re.fullmatch(r"rate\((1 day|\d+ (hours?|minutes?))\)", str(schedule).strip())
    return enough and (by_calendar or by_rate is not None)


@rule(
    "backup-in-second-region",
    "A backup plan copies to a second region",
    remedy="Give a rule of the plan copy_actions to a vault in another region",
    controls=("Backup Audit Manager: cross-region copy is scheduled",),
    on=(PLAN,),
)
def second_region(plan: Resource, stack: Stack) -> Iterator[str]:
    """One copy at least leaves the region, as far as its ARN is known."""
    if plan.get("rules") is UNKNOWN:
        return
    targets = [
        action.get("destinationVaultArn") if isinstance(action, dict) else action
        for each in plan.listed("rules")
        for action in _list(each.get("copyActions", []) if isinstance(each, dict) else each)
    ]
    if not any(target is UNKNOWN or _region(target) != stack.region for target in targets):
        yield "no rule copies to another region: one region's loss takes the backups too"


def _list(value: Any) -> list[Any]:
    """A list as it is, and anything else as the one element of one."""
    return value if isinstance(value, list) else [value]


def _region(arn: Any) -> str:
    return str(arn).split(":")[3] if str(arn).count(":") > 3 else ""


@stack_rule(
    "backup-locked",
    "Backup vaults are locked: nobody removes a recovery point in time",
    remedy=f"Give the vault an aws.backup.VaultLockConfiguration with min_retention_days of "
    f"{LOCK_DAYS} or more",
    controls=(
        "Backup Audit Manager: protected by vault lock",
        "Backup Audit Manager: no manual deletion",
    ),
    on=(VAULT,),
)
def locked(resources: Resources, _: Stack) -> Iterator[tuple[Resource, str]]:
    """A lock for each vault.

    Whether nobody can ever take it off is a setting: what cannot be taken back no rule asks for.
    """
    for vault in resources.of(VAULT):
        locks = [each for each in resources.of(VAULT_LOCK) if _locks(each, vault)]
        if not locks:
            yield vault, "it has no lock"
        for lock in locks:
            if lock.is_under("minRetentionDays", LOCK_DAYS):
                days = lock.get("minRetentionDays", 0)
                yield vault, f"its lock lets recovery points go after {days} days"


def _locks(lock: Resource, vault: Resource) -> bool:
    # Vaults of two regions may share a name, so that the name is the worse witness.
    if links := lock.after.get("backupVaultName"):
        return vault.urn in links
    same_region = lock.get("region") == vault.get("region")
    return same_region and lock.comes_from("backupVaultName", vault, "name", "id")


@stack_rule(
    "backup-restore-tested",
    "Restores are tested on a schedule",
    remedy="Make an aws.backup.RestoreTestingPlan and a RestoreTestingSelection of RDS for it",
    controls=("Backup Audit Manager: restore time meets target",),
    on=(PLAN,),
)
def restore_tested(resources: Resources, _: Stack) -> Iterator[tuple[None, str]]:
    """A backup nobody restored is a hope."""
    for kind, said in (
        (RESTORE_TEST, "restore testing plan"),
        (RESTORE_TESTED, "selection for it"),
    ):
        if not resources.of(kind):
            yield None, f"there is no {said}"
