"""Restoring the primary's newest backup on a schedule, to see that it can be done."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import schedules
from components.aws.primary import Primary
from strongroom.settings import Settings

#: Hours a restored instance is kept, for somebody to look into it.
_LOOK_HOURS = 1

_FEWEST_DAYS = 2


@dataclass(frozen=True)
class RestoreTestsArgs:
    """What the tests are made from.

    Attributes:
        primary: whose backup is restored, into its own network.
        settings: those of the stack; `drill_every_days` is 1 to 365.
        vault: ARN of the vault with the backups.
        role: ARN of the role AWS Backup acts as.
    """

    primary: Primary
    settings: Settings
    vault: pulumi.Output[str]
    role: pulumi.Output[str]


class RestoreTests(pulumi.ComponentResource):
    """Declares that AWS Backup restores the newest backup every so many days, and removes it again.

    It refuses to restore where anybody could reach it: no public address, the primary's own
    subnets and security group. What it proves is that an instance comes up from the backup; that
    the data in it is whole is what `strongroom drill` looks at.

    It has no outputs.
    """

    def __init__(
        self, name: str, args: RestoreTestsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:RestoreTests", name, {}, opts)
        settings, primary = args.settings, args.primary
        # Of these, AWS takes letters, digits and underscores only.
        called = primary.names.stem.replace("-", "_")
        days_between = -(-settings.snapshot_every_hours // 24)
        # Their names are fixed, so two of one cannot be there at the same time.
        options = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        plan = aws.backup.RestoreTestingPlan(
            f"{name}-plan",
            name=called,
            schedule_expression=schedules.every_days(
                settings.drill_every_days, settings.aws.backup_window
            ),
            start_window_hours=1,
            recovery_point_selection=aws.backup.RestoreTestingPlanRecoveryPointSelectionArgs(
                algorithm="LATEST_WITHIN_WINDOW",
                include_vaults=[args.vault],
                recovery_point_types=["SNAPSHOT"],
                selection_window_days=max(_FEWEST_DAYS, days_between + 1),
            ),
            opts=options,
        )
        aws.backup.RestoreTestingSelection(
            f"{name}-primary",
            name=called,
            restore_testing_plan_name=plan.name,
            protected_resource_type="RDS",
            protected_resource_arns=[primary.arn],
            iam_role_arn=args.role,
            validation_window_hours=_LOOK_HOURS,
            restore_metadata_overrides={
                "publiclyAccessible": "false",
                "multiAz": "false",
                "dbSubnetGroupName": primary.subnet_group,
                "vpcSecurityGroupIds": pulumi.Output.json_dumps(
                    [primary.network.database_group.id]
                ),
            },
            opts=options,
        )
        self.register_outputs({})
