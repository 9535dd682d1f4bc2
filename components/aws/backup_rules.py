"""Every rule on backups: jobs that fail, and what is done to vault, plan and what they keep."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pulumi

from components.aws.event_table import asked, outside
from components.aws.events import EventRule, call_rule, job_rule
from strongroom.aws_names import Names

_FAILED = ("FAILED", "ABORTED", "EXPIRED", "PARTIAL")

_EMPTIES = (
    *("DeleteRecoveryPoint", "DisassociateRecoveryPoint", "UpdateRecoveryPointLifecycle"),
    "DeleteBackupVault",
)
_CHANGES = (
    *("PutBackupVaultAccessPolicy", "DeleteBackupVaultAccessPolicy"),
    *("PutBackupVaultLockConfiguration", "DeleteBackupVaultLockConfiguration"),
)

#: What a second region hands over; the rules of the stack's own region choose from it.
ELSEWHERE: Mapping[str, Any] = MappingProxyType(
    {
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["backup.amazonaws.com", "kms.amazonaws.com", "rds.amazonaws.com"],
            "eventName": [
                *_EMPTIES,
                *_CHANGES,
                *("DisableKey", "ScheduleKeyDeletion", "DisableKeyRotation"),
                *("ModifyDBSnapshotAttribute", "StopDBInstanceAutomatedBackupsReplication"),
                "DeleteDBInstanceAutomatedBackup",
            ],
        },
    }
)


def backup_rules(
    names: Names,
    roles: Sequence[str],
    instance: pulumi.Input[str],
    plan: pulumi.Input[str],
    backup_role: pulumi.Input[str],
) -> tuple[EventRule, ...]:
    """The table.

    Args:
        names: of the stack.
        roles: ARNs of the pipelines' roles.
        instance: ARN of the primary.
        plan: the id of its backup plan.
        backup_role: ARN of the role AWS Backup acts as, which tells the stack's restores.
    """
    vault = asked(backupVaultName=[names.vault])
    failed = {"state": list(_FAILED), "resourceArn": [instance]}
    return (
        job_rule(
            "backup-failed",
            "A backup of the primary failed. The job in AWS Backup says why; start it again there. "
            "RDS's own backups are not concerned.",
            "Backup",
            failed,
        ),
        job_rule(
            "copy-failed",
            "A backup was not copied to the second region. The job in AWS Backup says why; start "
            "the copy again there.",
            "Copy",
            failed,
        ),
        job_rule(
            "restore-test-failed",
            "The newest backup could not be restored in a test, so perhaps none can. Find out "
            "today: restore one by hand, and look at the job's message, subnets and key first.",
            "Restore",
            {
                # A restore's job has a status where others have a state.
                "$or": [{"status": list(_FAILED)}, {"state": list(_FAILED)}],
                "iamRoleArn": [backup_role],
            },
        ),
        call_rule(
            "vault-emptied",
            "Somebody removes backups from the vault or shortens how long they are kept, or tried "
            "to. Nothing of this project does. Take the permission from whoever it was, then see "
            "what is left.",
            "backup",
            _EMPTIES,
            vault,
        ),
        call_rule(
            "vault-changed",
            "The vault's policy or lock was changed outside the pipelines, so that backups can be "
            "removed. `up --refresh` puts it right.",
            "backup",
            _CHANGES,
            vault | outside(roles),
        ),
        call_rule(
            "plan-changed",
            "The backup plan or what it backs up was changed outside the pipelines. `up --refresh` "
            "puts it right.",
            "backup",
            ("UpdateBackupPlan", "DeleteBackupPlan", "DeleteBackupSelection"),
            asked(backupPlanId=[plan]) | outside(roles),
        ),
        call_rule(
            "tests-changed",
            "Restore tests were changed or ended outside the pipelines, so that a backup that "
            "cannot be restored is not noticed. `up --refresh` puts it right.",
            "backup",
            (
                *("UpdateRestoreTestingPlan", "DeleteRestoreTestingPlan"),
                *("UpdateRestoreTestingSelection", "DeleteRestoreTestingSelection"),
            ),
            asked(restoreTestingPlanName=[names.stem.replace("-", "_")]) | outside(roles),
        ),
    )
