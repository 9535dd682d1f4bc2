"""Rules of EventBridge: what they look for, and what they tell the topic, in a sentence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from strongroom.aws_names import Names

#: The state of a rule that is told of calls that only read; it takes a trail in the account.
WITH_READING = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"

#: What a rule of an API call tells: everything somebody asks first.
_CALL = {
    "what": "$.detail.eventName",
    "who": "$.detail.userIdentity.arn",
    "from": "$.detail.sourceIPAddress",
    "refused": "$.detail.errorCode",
    "at": "$.time",
    "region": "$.region",
    "event": "$.detail.eventID",
}
_CALLED = "<what> by <who> from <from> at <at> in <region> <refused> (CloudTrail event <event>)."

#: What AWS Backup and RDS say by themselves.
_JOB = {
    "what": "$.detail-type",
    "state": "$.detail.state",
    "status": "$.detail.status",
    "why": "$.detail.statusMessage",
    "resource": "$.detail.resourceArn",
    "at": "$.time",
    "region": "$.region",
}
_DONE = "<what>: <state><status> for <resource> at <at> in <region>: <why>."

_EVENT = {"what": "$.detail.Message", "resource": "$.detail.SourceArn", "at": "$.time"}
_SAID = "<resource> at <at>: <what>"


@dataclass(frozen=True)
class EventRule:
    """What is looked for in the account's events, and what to do about it.

    Attributes:
        name: tells it from the stack's others; lower case and hyphens, 20 characters at most.
        means: what happened, and what to do.
        pattern: as EventBridge reads it; values may be outputs.
        paths: what is told of an event, by the name it has in `tells`.
        tells: the sentence, before `means`.
        reading: whether it is told of calls that only read.
    """

    name: str
    means: str
    pattern: Mapping[str, Any]
    paths: Mapping[str, str]
    tells: str
    reading: bool = False


def call_rule(
    name: str,
    means: str,
    service: str,
    calls: Sequence[str],
    detail: Mapping[str, Any],
    *,
    reading: bool = False,
) -> EventRule:
    """A rule for calls of a service's API, as CloudTrail tells them.

    Args:
        name: see `EventRule`.
        means: see `EventRule`.
        service: the service as CloudTrail calls it, without ``.amazonaws.com``.
        calls: the names of the calls.
        detail: what else an event's detail must have.
        reading: see `EventRule`.
    """
    called = {"eventSource": [f"{service}.amazonaws.com"], "eventName": list(calls)}
    pattern = {"detail-type": ["AWS API Call via CloudTrail"], "detail": {**called, **detail}}
    return EventRule(name, means, pattern, _CALL, _CALLED, reading)


def job_rule(name: str, means: str, kind: str, detail: Mapping[str, Any]) -> EventRule:
    """A rule for jobs of AWS Backup of one kind: ``Backup``, ``Copy`` or ``Restore``."""
    pattern = {
        "source": ["aws.backup"],
        "detail-type": [f"{kind} Job State Change"],
        "detail": dict(detail),
    }
    return EventRule(name, means, pattern, _JOB, _DONE)


def instance_rule(name: str, means: str, detail: Mapping[str, Any]) -> EventRule:
    """A rule for what RDS says of instances."""
    pattern = {
        "source": ["aws.rds"],
        "detail-type": ["RDS DB Instance Event"],
        "detail": dict(detail),
    }
    return EventRule(name, means, pattern, _EVENT, _SAID)


def declare_rules(
    name: str,
    rules: Sequence[EventRule],
    names: Names,
    topic: pulumi.Input[str],
    parent: pulumi.Resource,
) -> None:
    """Declare every rule of a table; each tells the topic.

    Args:
        name: what the resources' names begin with.
        rules: the table.
        names: of the stack.
        topic: the ARN of the topic.
        parent: the component they belong to.
    """
    # Their names are fixed, so two of one cannot be there at the same time.
    options = pulumi.ResourceOptions(parent=parent, delete_before_replace=True)
    for rule in rules:
        declared = declare_rule(name, rule, names, options)
        aws.cloudwatch.EventTarget(
            f"{name}-{rule.name}",
            rule=declared.name,
            target_id="alerts",
            arn=topic,
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths=dict(rule.paths),
                input_template=json.dumps(
                    f"{names.stem}: {rule.tells} {rule.means}", ensure_ascii=False
                ),
            ),
            opts=options,
        )


def declare_rule(
    name: str, rule: EventRule, names: Names, options: pulumi.ResourceOptions
) -> aws.cloudwatch.EventRule:
    """Declare one rule, which tells nobody yet.

    Args:
        name: what the resource's name begins with.
        rule: what it looks for.
        names: of the stack.
        options: whose child it is.
    """
    return aws.cloudwatch.EventRule(
        f"{name}-{rule.name}",
        name=names.of(rule.name),
        description=rule.means,
        event_pattern=pulumi.Output.json_dumps(rule.pattern),
        state=WITH_READING if rule.reading else None,
        opts=options,
    )
