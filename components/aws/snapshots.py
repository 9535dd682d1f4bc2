"""Backups of the primary, locked, copied to another region, and restored on a schedule."""

from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from components.aws import schedules
from components.aws.alarm_table import backup_alarms
from components.aws.alarms import declare_alarms
from components.aws.backup_rules import backup_rules
from components.aws.copies import Copies, CopiesArgs
from components.aws.events import declare_rules
from components.aws.primary import Primary
from components.aws.restore_tests import RestoreTests, RestoreTestsArgs
from components.aws.vault import Vault, VaultArgs
from strongroom.aws_names import partition_of
from strongroom.aws_policies import assumed_by
from strongroom.declaration import Declaration
from strongroom.settings import Settings

_SERVICE = "backup.amazonaws.com"
_MAY = "service-role/AWSBackupServiceRolePolicyFor"


@dataclass(frozen=True)
class SnapshotPolicyArgs:
    """What the policy is made from.

    Attributes:
        primary: the instance that is backed up.
        settings: those of the stack: schedule, terms, lock, second region, restore tests.
    """

    primary: Primary
    settings: Settings

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it."""
        return cls(primary=primary, settings=stack.settings)

    @property
    def keep_days(self) -> int:
        """Days every backup is kept: not less than it is locked."""
        return max(self.settings.snapshot_keep_days, self.settings.snapshot_lock_days)

    @property
    def monthly_days(self) -> int:
        """Days the first one of a month is kept: not less than every other."""
        return max(self.settings.aws.monthly_keep_days, self.keep_days)


class SnapshotPolicy(pulumi.ComponentResource):
    """Declares that the primary is backed up on a schedule into a locked vault, and tested.

    RDS's own automated backups stay what a point in time is restored from: a continuous backup of
    AWS Backup would take them over, and nothing of RDS goes to cold storage. With a second region
    every backup is copied there, and RDS replicates its own there as well.

    It refuses to remove what is locked, and keeps vault, key, policy and lock when the stack lets
    go of them, unless deletion protection is off.

    Outputs: newest, the ARN of the vault that holds the newest backup: the provider knows of no
    backup by itself. `aws backup list-recovery-points-by-backup-vault` does.
    """

    newest: pulumi.Output[str]

    def __init__(
        self, name: str, args: SnapshotPolicyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:SnapshotPolicy", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        primary, settings = args.primary, args.settings
        vault = Vault(f"{name}-kept", self._vault_args(), self._child)
        role = self._role(name)
        copy = None
        if settings.aws.copy_region:
            made_from = CopiesArgs(primary, settings, self._vault_args(settings.aws.copy_region))
            copy = Copies(f"{name}-copy", made_from, self._child).vault
        plan = self._plan(name, vault, copy)
        aws.backup.Selection(
            f"{name}-primary",
            name=primary.names.of("primary"),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=[primary.arn],
            opts=self._child,
        )
        if settings.drill_every_days:
            tests = RestoreTestsArgs(primary, settings, vault.arn, role.arn)
            RestoreTests(f"{name}-tests", tests, self._child)
        rules = backup_rules(
            primary.names, settings.aws.pipeline_roles, primary.arn, plan.id, role.arn
        )
        declare_rules(name, rules, primary.names, primary.alerts, self)
        alarms = backup_alarms(primary.names, settings.snapshot_every_hours)
        declare_alarms(name, alarms, primary.names, primary.alerts, self)
        self.newest = vault.arn
        self.register_outputs({"newest": self.newest})

    def _vault_args(self, region: str = "") -> VaultArgs:
        settings = self._args.settings
        return VaultArgs(
            names=self._args.primary.names,
            account=self._args.primary.arn,
            partition=partition_of(settings.aws.region),
            lock=settings.aws.vault_lock,
            shortest_days=settings.snapshot_lock_days,
            longest_days=self._args.monthly_days,
            pipeline_roles=settings.aws.pipeline_roles,
            protection=settings.deletion_protection,
            region=region,
        )

    def _role(self, name: str) -> aws.iam.Role:
        """What AWS Backup acts as, for backups and for restore tests."""
        role = aws.iam.Role(
            f"{name}-role",
            name=self._args.primary.names.of("backup"),
            description="What AWS Backup backs the primary up as, and restores it in tests",
            assume_role_policy=assumed_by(_SERVICE),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        policies = f"arn:{partition_of(self._args.settings.aws.region)}:iam::aws:policy/{_MAY}"
        for what in ("Backup", "Restores"):
            aws.iam.RolePolicyAttachment(
                f"{name}-role-{what.lower()}",
                role=role.name,
                policy_arn=f"{policies}{what}",
                opts=self._child,
            )
        return role

    def _plan(self, name: str, vault: Vault, copy: Vault | None) -> aws.backup.Plan:
        window = self._args.settings.aws.backup_window
        hours = self._args.settings.snapshot_every_hours
        terms = {
            "regular": (schedules.every_hours(hours, window), self._args.keep_days),
            "monthly": (schedules.every_month(window), self._args.monthly_days),
        }
        names = self._args.primary.names
        return aws.backup.Plan(
            f"{name}-plan",
            name=names.stem,
            rules=[
                aws.backup.PlanRuleArgs(
                    rule_name=rule,
                    target_vault_name=names.vault,
                    schedule=schedule,
                    start_window=60,
                    completion_window=600,
                    lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=days),
                    copy_actions=[
                        aws.backup.PlanRuleCopyActionArgs(
                            destination_vault_arn=each.arn,
                            lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(delete_after=days),
                        )
                        for each in ([copy] if copy else [])
                    ],
                )
                for rule, (schedule, days) in terms.items()
            ],
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[vault], delete_before_replace=True
            ),
        )
