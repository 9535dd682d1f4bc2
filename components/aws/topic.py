"""Where every alarm goes, and who is told."""

import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.keys import allow
from strongroom.aws_names import Names
from strongroom.aws_policies import document

#: Who has something to tell: alarms, RDS's own events, backups, and rules on what was called.
PUBLISHERS = (
    *("cloudwatch.amazonaws.com", "events.rds.amazonaws.com", "backup.amazonaws.com"),
    "events.amazonaws.com",
)


@dataclass(frozen=True)
class TopicArgs:
    """Who hears of alarms.

    Attributes:
        names: of the stack.
        key: the ARN of the key messages are encrypted with; `PUBLISHERS` may use it.
        account: the account whose services may publish.
        contacts: e-mail addresses; each has to confirm once.
    """

    names: Names
    key: pulumi.Input[str]
    account: pulumi.Input[str]
    contacts: tuple[str, ...] = ()


class Topic(pulumi.ComponentResource):
    """Declares the encrypted topic every alarm goes to, and the people it is sent on to.

    It refuses messages in the clear, and what other accounts' services send.

    Outputs: arn.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: TopicArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Topic", name, {}, opts)
        mine = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-topic",
            name=args.names.topic,
            kms_master_key_id=args.key,
            # Its name is fixed, so two of it cannot be there at the same time.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(_policy(topic.arn, args.account)),
            opts=mine,
        )
        for contact in args.contacts:
            aws.sns.TopicSubscription(
                # Names of resources are seen by more people than the settings are.
                f"{name}-contact-{hashlib.sha256(contact.encode()).hexdigest()[:8]}",
                topic=topic.arn,
                protocol="email",
                endpoint=contact,
                opts=mine,
            )
        # Who uses it may rely on being let in.
        self.arn = pulumi.Output.all(topic.arn, policy.id).apply(lambda both: str(both[0]))
        self.register_outputs({"arn": self.arn})


def _policy(arn: pulumi.Output[str], account: pulumi.Input[str]) -> dict[str, object]:
    *conditional, events = PUBLISHERS
    ours = {"StringEquals": {"aws:SourceAccount": account}}
    publish = {"Action": "sns:Publish", "Resource": arn}
    clear = {
        "Sid": "OnlyEncrypted",
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document(
        {**allow(conditional, [], ours), **publish, "Sid": "Services"},
        # EventBridge does not say for which account it speaks, so a condition would silence it.
        {**allow([events], []), **publish, "Sid": "Rules"},
        {**clear, **publish},
    )
