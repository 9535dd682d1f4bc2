"""Whether what is noticed reaches anybody."""

from collections.abc import Iterator

from policy.resource import Resource
from policy.rule import rule
from policy.rules.types import ALARM, COMPOSITE_ALARM, TOPIC
from policy.stack import Stack


@rule(
    "alarm-acts",
    "Every alarm tells somebody",
    remedy="Set alarm_actions to the topic of the alarms, and leave actions_enabled on",
    controls=("CloudWatch.15", "CloudWatch.17"),
    on=(ALARM, COMPOSITE_ALARM),
)
def alarm_acts(alarm: Resource, _: Stack) -> Iterator[str]:
    """An action that is on."""
    if alarm.lacks("alarmActions"):
        yield "alarm_actions is empty: it goes off and nobody hears it"
    if alarm.is_off("actionsEnabled", default=True):
        yield "actions_enabled is off: it goes off and nobody hears it"


@rule(
    "topic-encrypted",
    "Topics are encrypted by a key alarms can use",
    remedy="Set kms_master_key_id to a key whose policy lets cloudwatch.amazonaws.com use it",
    controls=("SNS.1",),
    on=(TOPIC,),
)
def topic_encrypted(topic: Resource, _: Stack) -> Iterator[str]:
    """A key of our own: an alarm cannot publish through AWS's."""
    if topic.lacks("kmsMasterKeyId"):
        yield "kms_master_key_id is not set: what alarms say is in the clear"
    elif topic.get("kmsMasterKeyId") == "alias/aws/sns":
        yield "kms_master_key_id is AWS's own key: no alarm can publish through it"
