"""Who hears when somebody opens root's secret, or tries to, and what becomes of what they saw."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws.root_access import sent_by_rule
from strongroom.aws_names import Names
from strongroom.aws_settings import AwsSettings

#: Reading is told by EventBridge in this state of a rule only; it takes a trail in the account.
WITH_READING = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"

#: Seconds until what was opened is worth nothing: the longest a queue can hold back.
CLOSED_AFTER = 900

_OPENING = ("BatchGetSecretValue", "GetSecretValue")
_CHANGING = (
    *("CancelRotateSecret", "DeleteResourcePolicy", "DeleteSecret", "PutResourcePolicy"),
    *("PutSecretValue", "ReplicateSecretToRegions", "UpdateSecret", "UpdateSecretVersionStage"),
)
_RULES = {
    "seen": "somebody opens it, or tries to",
    "changed": "somebody changes it, or tries to",
    "opened": "the glass was broken, so its value has to change",
}
_TOLD = {
    "what": "$.detail.eventName",
    "who": "$.detail.userIdentity.arn",
    "where": "$.detail.sourceIPAddress",
    "when": "$.detail.eventTime",
    "said": "$.detail.errorCode",
}
_WORDS = (
    "\"Root's secret: <what> by <who> from <where> at <when> (refused: <said>). "
    'Nobody needs it for daily work: if it was not one of you breaking the glass, it is an attack."'
)


@dataclass(frozen=True)
class OpeningsArgs:
    """What is watched.

    Attributes:
        names: of the stack.
        alerts: the ARN of the topic every alarm goes to.
        secret: the secret's ARN.
        role: the ARN of the function's role, which opens it every time it acts as root.
        aws: the roles that may open it and that declare it.
    """

    names: Names
    alerts: pulumi.Input[str]
    secret: pulumi.Output[str]
    role: pulumi.Output[str]
    aws: AwsSettings


class Openings(pulumi.ComponentResource):
    """Declares that no opening of root's secret stays unseen, or the value that was seen in use.

    An alarm says who, and after a quarter of an hour the function rotates. Sessions that are open
    then stay open.

    It has no outputs; `queue` tells the function, None when nobody may open the secret.
    """

    queue: aws.sqs.Queue | None = None

    def __init__(
        self, name: str, args: OpeningsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Openings", name, {}, opts)
        self._name, self._args = name, args
        arns = pulumi.Output.all(args.secret, args.role)
        self._alarm(
            "seen", arns.apply(lambda both: opened(args.names.secret, both[0], but=[both[1]]))
        )
        pipelines = args.aws.pipeline_roles
        self._alarm(
            "changed",
            arns.apply(lambda both: changed(args.names.secret, both[0], but=[both[1], *pipelines])),
        )
        if roles := args.aws.break_glass_roles:
            self._close(arns.apply(lambda both: glass_broken(args.names.secret, both[0], roles)))
        self.register_outputs({})

    def _alarm(self, what: str, pattern: pulumi.Input[str]) -> None:
        mine = pulumi.ResourceOptions(parent=self)
        rule = self._rule(what, pattern)
        aws.cloudwatch.EventTarget(
            f"{self._name}-{what}-alert",
            rule=rule.name,
            arn=self._args.alerts,
            input_transformer={"input_paths": _TOLD, "input_template": _WORDS},
            opts=mine,
        )

    def _close(self, pattern: pulumi.Input[str]) -> None:
        mine = pulumi.ResourceOptions(parent=self)
        rule = self._rule("opened", pattern)
        self.queue = aws.sqs.Queue(
            f"{self._name}-queue",
            name=self._args.names.of("root-opened"),
            delay_seconds=CLOSED_AFTER,
            # Six times what the function may take, as Lambda asks for.
            visibility_timeout_seconds=5400,
            message_retention_seconds=86_400,
            sqs_managed_sse_enabled=True,
            policy=rule.arn.apply(sent_by_rule),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-opened-close", rule=rule.name, arn=self.queue.arn, opts=mine
        )

    def _rule(self, what: str, pattern: pulumi.Input[str]) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            f"{self._name}-{what}",
            name=self._args.names.of(f"root-{what}"),
            description=f"Root's secret: {_RULES[what]}",
            event_pattern=pattern,
            state=WITH_READING,
            # Its name is fixed, so two of it cannot be there at the same time.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )


def opened(name: str, arn: str, but: Sequence[str]) -> str:
    """The pattern of a call that opens the secret, refused or not, by anybody but some roles."""
    return _pattern(name, arn, _OPENING, _by_others(but))


def changed(name: str, arn: str, but: Sequence[str]) -> str:
    """The pattern of a call that changes the secret, its policy or its rotation."""
    return _pattern(name, arn, _CHANGING, _by_others(but))


def glass_broken(name: str, arn: str, roles: Sequence[str]) -> str:
    """The pattern of a call by which one of some roles really saw the value."""
    by = _by(list(roles))
    return _pattern(name, arn, _OPENING, {**by, "errorCode": [{"exists": False}]})


def _pattern(name: str, arn: str, calls: Sequence[str], detail: dict[str, Any]) -> str:
    # A caller names a secret as they like: by its name, its ARN, or that without its last part.
    either = [{"prefix": name}, {"prefix": arn.rpartition("-")[0]}]
    return json.dumps(
        {
            "source": ["aws.secretsmanager"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventName": list(calls),
                "requestParameters": {"secretId": either},
                **detail,
            },
        }
    )


def _by_others(roles: Sequence[str]) -> dict[str, Any]:
    """By another role, or by who has none: a user, or the account's first."""
    return {"$or": [_by([{"anything-but": list(roles)}]), _by([{"exists": False}])]}


def _by(arn: list[Any]) -> dict[str, Any]:
    return {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": arn}}}}
