"""Who hears when somebody opens root's secret, or tries to, and what becomes of what they saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws.events import EventRule, call_rule, declare_rule, declare_rules
from components.aws.root_access import sent_by_rule
from strongroom.aws_names import Names
from strongroom.aws_settings import AwsSettings

#: Seconds until what was opened is worth nothing: the longest a queue can hold back.
CLOSED_AFTER = 900

_OPENING = ("BatchGetSecretValue", "GetSecretValue")
_CHANGING = (
    *("CancelRotateSecret", "DeleteResourcePolicy", "DeleteSecret", "PutResourcePolicy"),
    *("PutSecretValue", "ReplicateSecretToRegions", "UpdateSecret", "UpdateSecretVersionStage"),
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
        role, pipelines = args.role, args.aws.pipeline_roles
        told = (opened(args, [role]), changed(args, [role, *pipelines]))
        declare_rules(name, told, args.names, args.alerts, self)
        if roles := args.aws.break_glass_roles:
            self._close(glass_broken(args, roles))
        self.register_outputs({})

    def _close(self, broken: EventRule) -> None:
        fixed = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        rule = declare_rule(self._name, broken, self._args.names, fixed)
        self.queue = aws.sqs.Queue(
            f"{self._name}-queue",
            name=self._args.names.of("root-opened"),
            delay_seconds=CLOSED_AFTER,
            # Six times what the function may take, as Lambda asks for.
            visibility_timeout_seconds=5400,
            message_retention_seconds=86_400,
            sqs_managed_sse_enabled=True,
            policy=rule.arn.apply(sent_by_rule),
            opts=fixed,
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-close",
            rule=rule.name,
            arn=self.queue.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )


def opened(args: OpeningsArgs, but: Sequence[pulumi.Input[str]]) -> EventRule:
    """Of a call that opens the secret, refused or not, by anybody but some roles."""
    return _rule(
        "root-seen",
        "Root's secret was opened, or somebody tried. Nobody needs it for daily work: if it was "
        "not one of you breaking the glass, it is an attack.",
        args,
        _OPENING,
        _by_others(but),
    )


def changed(args: OpeningsArgs, but: Sequence[pulumi.Input[str]]) -> EventRule:
    """Of a call that changes the secret, its policy or its rotation."""
    return _rule(
        "root-changed",
        "Root's secret, who may open it, or its rotation was changed outside the pipeline, or "
        "somebody tried. Put back what `preview` shows, then find out why.",
        args,
        _CHANGING,
        _by_others(but),
    )


def glass_broken(args: OpeningsArgs, roles: Sequence[str]) -> EventRule:
    """Of a call by which one of some roles really saw the value."""
    really = {**_by(list(roles)), "errorCode": [{"exists": False}]}
    means = "The glass was broken, so root's password changes a quarter of an hour later."
    return _rule("root-opened", means, args, _OPENING, really)


def _rule(
    name: str, means: str, args: OpeningsArgs, calls: Sequence[str], detail: Mapping[str, Any]
) -> EventRule:
    # A caller names a secret as they like: by its name, its ARN, or that without its last part.
    arn = args.secret.apply(lambda whole: whole.rpartition("-")[0])
    either = {"secretId": [{"prefix": args.names.secret}, {"prefix": arn}]}
    whose = {"requestParameters": either, **detail}
    return call_rule(name, means, "secretsmanager", calls, whose, reading=True)


def _by_others(roles: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    """By another role, or by who has none: a user, or the account's first."""
    return {"$or": [_by([{"anything-but": list(roles)}]), _by([{"exists": False}])]}


def _by(arn: list[Any]) -> dict[str, Any]:
    return {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": arn}}}}
