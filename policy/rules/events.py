"""What RDS tells of by itself: its event subscriptions."""

from collections.abc import Iterator

from policy.resource import Resource
from policy.rule import Resources, stack_rule
from policy.rules.types import EVENTS, INSTANCE
from policy.stack import Stack
from strongroom.provider.values import UNKNOWN, has_unknown

_REMEDY = (
    "Make an aws.rds.EventSubscription to the alarms' topic with this source_type and these "
    "event_categories, or without any"
)


@stack_rule(
    "rds-instance-events",
    "Somebody is told of maintenance, changes, failures and deletions of instances",
    remedy=_REMEDY,
    controls=("RDS.20",),
    on=(INSTANCE,),
)
def instance_events(resources: Resources, _: Stack) -> Iterator[tuple[None, str]]:
    """RDS.20 asks for three categories; that an instance was deleted is in a fourth."""
    wanted = {"maintenance", "configuration change", "failure", "deletion"}
    yield from _untold(resources, "db-instance", wanted)


@stack_rule(
    "rds-parameter-events",
    "Somebody is told of changes to parameter groups",
    remedy=_REMEDY,
    controls=("RDS.21",),
    on=(INSTANCE,),
)
def parameter_events(resources: Resources, _: Stack) -> Iterator[tuple[None, str]]:
    """Changed parameters, such as rds.force_ssl."""
    yield from _untold(resources, "db-parameter-group", {"configuration change"})


@stack_rule(
    "rds-security-group-events",
    "Somebody is told of changes to database security groups",
    remedy=_REMEDY,
    controls=("RDS.22",),
    on=(INSTANCE,),
)
def security_group_events(resources: Resources, _: Stack) -> Iterator[tuple[None, str]]:
    """Changed ways in, as far as RDS knows them."""
    yield from _untold(resources, "db-security-group", {"configuration change", "failure"})


def _untold(resources: Resources, source: str, wanted: set[str]) -> Iterator[tuple[None, str]]:
    """What no subscription tells of; several may share the categories."""
    told: set[str] = set()
    for each in resources.of(EVENTS):
        if _covers(each, source):
            categories = each.get("eventCategories")
            if not categories or has_unknown(categories):
                return
            told |= each.texts("eventCategories")
    if missing := sorted(wanted - told):
        yield None, f"nobody is told of {', '.join(missing)} of a {source}"


def _covers(subscription: Resource, source: str) -> bool:
    """Whether it is on, and about this kind of source or about all."""
    off = subscription.is_off("enabled", default=True)
    return not off and subscription.get("sourceType", source) in (source, UNKNOWN, "")
