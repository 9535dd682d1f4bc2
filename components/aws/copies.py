"""What a stack keeps in a second region: a locked vault, and RDS's own backups replicated."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.backup_rules import ELSEWHERE
from components.aws.primary import Primary
from components.aws.vault import Vault, VaultArgs
from strongroom.aws_policies import assumed_by, document
from strongroom.settings import Settings


@dataclass(frozen=True)
class CopiesArgs:
    """What the copies are made from.

    Attributes:
        primary: whose backups are copied.
        settings: those of the stack.
        vault: of the vault in the second region.
    """

    primary: Primary
    settings: Settings
    vault: VaultArgs


class Copies(pulumi.ComponentResource):
    """Declares the second region's vault, RDS's replicated backups, and who tells of them.

    What is done to the vault or to a key there is told by the rules of the stack's own region: its
    events are handed over.

    Outputs: `vault`, the component.
    """

    def __init__(
        self, name: str, args: CopiesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Copies", name, {}, opts)
        region = args.settings.aws.copy_region
        child = pulumi.ResourceOptions(parent=self)
        self.vault = Vault(f"{name}-kept", args.vault, child)
        aws.rds.InstanceAutomatedBackupsReplication(
            f"{name}-replication",
            source_db_instance_arn=args.primary.arn,
            kms_key_id=self.vault.key_arn,
            retention_period=args.settings.aws.backup_days,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, protect=args.settings.deletion_protection),
        )
        self._hand_over(name, args, region)
        self.register_outputs({})

    def _hand_over(self, name: str, args: CopiesArgs, region: str) -> None:
        """Events of the second region go to the stack's own."""
        names = args.primary.names
        bus = args.primary.arn.apply(_default_bus)
        fixed = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        role = aws.iam.Role(
            f"{name}-events",
            name=names.of("copy-events"),
            description="What EventBridge hands events of the second region over as",
            assume_role_policy=assumed_by("events.amazonaws.com"),
            opts=fixed,
        )
        aws.iam.RolePolicy(
            f"{name}-events",
            role=role.name,
            policy=bus.apply(_may_put),
            opts=pulumi.ResourceOptions(parent=self),
        )
        rule = aws.cloudwatch.EventRule(
            f"{name}-events",
            name=names.of("copy-events"),
            description=f"What is done to the copies of {names.stem} is told in its own region",
            event_pattern=json.dumps(dict(ELSEWHERE)),
            region=region,
            opts=fixed,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-events",
            rule=rule.name,
            target_id="own-region",
            arn=bus,
            role_arn=role.arn,
            region=region,
            opts=fixed,
        )


def _default_bus(arn: str) -> str:
    """The default event bus of the region and account of anything."""
    _, partition, _, region, account, *_ = arn.split(":")
    return f"arn:{partition}:events:{region}:{account}:event-bus/default"


def _may_put(bus: str) -> str:
    """The policy of who hands events over to a bus, by its ARN."""
    may = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    return json.dumps(document(may))
