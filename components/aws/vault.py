"""A locked vault of AWS Backup in one region, with a key of its own."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.keys import account_of, declare_key, policy_of
from strongroom.aws_names import Names
from strongroom.aws_policies import document
from strongroom.aws_settings import Lock

#: Days within which a lock for compliance can still be taken off; AWS takes no less.
_COOLING_OFF_DAYS = 3

#: What nobody may do to what is kept, not even a pipeline.
_LOSES = [
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
]
#: What nobody but a pipeline may do to the vault.
_CHANGES = [
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultAccessPolicy",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:PutBackupVaultAccessPolicy",
    "backup:PutBackupVaultLockConfiguration",
]
#: AWS Backup's own role, which removes what has come to its end.
_SERVICE = "arn:*:iam::*:role/aws-service-role/backup.amazonaws.com/*"


@dataclass(frozen=True)
class VaultArgs:
    """What a vault is made from.

    Attributes:
        names: of the stack.
        account: ARN of anything in the account, which names the account.
        partition: what ARNs begin with, see `names.partition_of`.
        lock: how it is locked.
        shortest_days: days before which nothing can be removed (0 to 3,650); 0 for no such days.
        longest_days: the longest anything is kept, days.
        pipeline_roles: ARNs of the roles that may change the vault; empty for whoever may.
        protection: refuse to delete it, and keep it when the stack lets go of it.
        region: where it is; empty for the stack's region.
    """

    names: Names
    account: pulumi.Input[str]
    partition: str
    lock: Lock
    shortest_days: int
    longest_days: int
    pipeline_roles: tuple[str, ...] = ()
    protection: bool = True
    region: str = ""


class Vault(pulumi.ComponentResource):
    """Declares a vault from which nothing is removed before its time, by policy and by lock.

    It refuses to be emptied: not even a pipeline may delete what is in it. What RDS keeps in the
    stack's own region is encrypted by the instance's key, and a copy in another by the vault's.

    Outputs: arn, key_arn.
    """

    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: VaultArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Vault", name, {}, opts)
        region = args.region or None
        kept = pulumi.ResourceOptions(
            parent=self, protect=args.protection, retain_on_delete=args.protection
        )
        key = declare_key(
            f"{name}-key",
            args.names.path("backups"),
            f"Backups of {args.names.stem}",
            policy_of(args.partition, account_of(args.account)),
            kept,
            region,
        )
        vault = aws.backup.Vault(
            f"{name}-vault",
            name=args.names.vault,
            kms_key_arn=key.arn,
            # Without protection a stack can be taken down with its backups.
            force_destroy=not args.protection,
            region=region,
            opts=kept,
        )
        aws.backup.VaultPolicy(
            f"{name}-policy",
            backup_vault_name=vault.name,
            policy=json.dumps(_policy(args.pipeline_roles)),
            region=region,
            opts=kept,
        )
        aws.backup.VaultLockConfiguration(
            f"{name}-lock",
            backup_vault_name=vault.name,
            changeable_for_days=_COOLING_OFF_DAYS if args.lock is Lock.COMPLIANCE else None,
            min_retention_days=args.shortest_days or None,
            max_retention_days=args.longest_days,
            region=region,
            opts=kept,
        )
        self.arn = vault.arn
        self.key_arn = key.arn
        self.register_outputs({"arn": self.arn, "key_arn": self.key_arn})


def _policy(pipelines: tuple[str, ...]) -> dict[str, object]:
    """Who may do what to the vault: everything is refused that IAM may have allowed."""

    def deny(sid: str, actions: list[str], *but: str) -> dict[str, object]:
        return {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [_SERVICE, *but]}},
        }

    changes = [deny("NobodyElseChangesIt", _CHANGES, *pipelines)] if pipelines else []
    return document(deny("NobodyRemovesWhatIsKept", _LOSES), *changes)
