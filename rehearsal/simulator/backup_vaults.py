"""AWS Backup: vaults, their locks and their policies."""

import time

from rehearsal.simulator.backup_held import NAME, Document, Region, Route, arn_of, existing, fresh
from rehearsal.simulator.calls import Call, RefusedError

_DAY = 86_400


def _put_vault(region: Region, call: Call, name: str) -> Document:
    fresh(region.vaults, name, "Backup vault")
    arn = arn_of(call, "backup-vault", name)
    region.tags[arn] = call.body.get("BackupVaultTags") or {}
    region.vaults[name] = {
        "BackupVaultName": name,
        "BackupVaultArn": arn,
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
        "EncryptionKeyArn": call.body.get("EncryptionKeyArn", ""),
        "CreationDate": time.time(),
        "NumberOfRecoveryPoints": 0,
        "Locked": False,
    }
    return region.vaults[name]


def _get_vault(region: Region, _: Call, name: str) -> Document:
    return dict(existing(region.vaults, name, "Backup vault"))


def _delete_vault(region: Region, _: Call, name: str) -> Document:
    vault = existing(region.vaults, name, "Backup vault")
    del region.vaults[name]
    region.tags.pop(vault["BackupVaultArn"], None)
    return {}


def _lock(region: Region, call: Call, name: str) -> Document:
    vault = existing(region.vaults, name, "Backup vault")
    _refuse_locked_for_good(vault)
    keys = ("MinRetentionDays", "MaxRetentionDays")
    vault |= {"Locked": True, **{key: call.body[key] for key in keys if key in call.body}}
    if days := call.body.get("ChangeableForDays"):
        vault["LockDate"] = time.time() + days * _DAY
    return {}


def _unlock(region: Region, _: Call, name: str) -> Document:
    vault = existing(region.vaults, name, "Backup vault")
    _refuse_locked_for_good(vault)
    for key in ("MinRetentionDays", "MaxRetentionDays", "LockDate"):
        vault.pop(key, None)
    vault["Locked"] = False
    return {}


def _refuse_locked_for_good(vault: Document) -> None:
    if time.time() >= vault.get("LockDate", float("inf")):
        raise RefusedError("InvalidRequestException", "Vault Lock configuration is immutable")


def _put_policy(region: Region, call: Call, name: str) -> Document:
    existing(region.vaults, name, "Backup vault")
    region.policies[name] = call.body["Policy"]
    return {}


def _get_policy(region: Region, _: Call, name: str) -> Document:
    vault = existing(region.vaults, name, "Backup vault")
    policy = existing(region.policies, name, "policy of vault")
    return {
        "BackupVaultName": name,
        "BackupVaultArn": vault["BackupVaultArn"],
        "Policy": policy,
    }


def _delete_policy(region: Region, _: Call, name: str) -> Document:
    region.policies.pop(name, None)
    return {}


_VAULT = f"/backup-vaults/{NAME}"

ROUTES: tuple[Route, ...] = (
    ("PUT", _VAULT, _put_vault),
    ("GET", _VAULT, _get_vault),
    ("DELETE", _VAULT, _delete_vault),
    ("PUT", f"{_VAULT}/vault-lock", _lock),
    ("DELETE", f"{_VAULT}/vault-lock", _unlock),
    ("PUT", f"{_VAULT}/access-policy", _put_policy),
    ("GET", f"{_VAULT}/access-policy", _get_policy),
    ("DELETE", f"{_VAULT}/access-policy", _delete_policy),
    ("GET", f"{_VAULT}/recovery-points", lambda *_: {"RecoveryPoints": []}),
)
