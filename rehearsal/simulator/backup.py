"""AWS Backup: vaults with lock and policy, plans with selections, restore testing, tags.

moto has vaults and plans but neither policies, selections nor restore testing, never changes a
plan, and takes a selection's path for a plan's; so this serves the whole service. It keeps what it
is told and does nothing: no backup is taken. Each region has its own (moto's do as well).
"""

import re
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rehearsal.simulator.calls import Call, RefusedError

Document = dict[str, Any]

#: What AWS gives a rule that does not say (API reference, BackupRuleInput).
_RULE = {
    "StartWindowMinutes": 480,
    "CompletionWindowMinutes": 10080,
    "ScheduleExpressionTimezone": "Etc/UTC",
}
_DAY = 86_400


@dataclass
class _Region:
    """What one region holds, by name or id."""

    vaults: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Document] = field(default_factory=dict)
    selections: dict[tuple[str, str], Document] = field(default_factory=dict)
    testing: dict[str, Document] = field(default_factory=dict)
    tested: dict[tuple[str, str], Document] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


def _found(held: dict[Any, Any], key: Any, what: str) -> Any:
    if key not in held:
        raise RefusedError("ResourceNotFoundException", f"Cannot find {what} {key}", 404)
    return held[key]


def _fresh(held: dict[Any, Any], key: Any, what: str) -> None:
    if key in held:
        raise RefusedError("AlreadyExistsException", f"{what} {key} exists already")


class Backup:
    """The service, for every region."""

    def __init__(self) -> None:
        self._regions: dict[str, _Region] = {}

    def answer(self, call: Call) -> Document:
        """Answer a call.

        Raises:
            RefusedError: what it asks for is not there, or not served.
        """
        region = self._regions.setdefault(call.scope.region, _Region())
        for method, path, answer in _ROUTES:
            found = re.fullmatch(path, call.path)
            if found and method == call.method:
                return answer(region, call, *found.groups())
        raise RefusedError("UnknownOperationException", f"{call.method} {call.path}", 501)


def _arn(call: Call, kind: str, name: str) -> str:
    return f"arn:aws:backup:{call.scope.region}:{call.account}:{kind}:{name}"


def _put_vault(region: _Region, call: Call, name: str) -> Document:
    _fresh(region.vaults, name, "Backup vault")
    arn = _arn(call, "backup-vault", name)
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


def _get_vault(region: _Region, _: Call, name: str) -> Document:
    return dict(_found(region.vaults, name, "Backup vault"))


def _delete_vault(region: _Region, _: Call, name: str) -> Document:
    vault = _found(region.vaults, name, "Backup vault")
    del region.vaults[name]
    region.tags.pop(vault["BackupVaultArn"], None)
    return {}


def _lock(region: _Region, call: Call, name: str) -> Document:
    vault = _found(region.vaults, name, "Backup vault")
    _refuse_locked_for_good(vault)
    keys = ("MinRetentionDays", "MaxRetentionDays")
    vault |= {"Locked": True, **{key: call.body[key] for key in keys if key in call.body}}
    if days := call.body.get("ChangeableForDays"):
        vault["LockDate"] = time.time() + days * _DAY
    return {}


def _unlock(region: _Region, _: Call, name: str) -> Document:
    vault = _found(region.vaults, name, "Backup vault")
    _refuse_locked_for_good(vault)
    for key in ("MinRetentionDays", "MaxRetentionDays", "LockDate"):
        vault.pop(key, None)
    vault["Locked"] = False
    return {}


def _refuse_locked_for_good(vault: Document) -> None:
    if time.time() >= vault.get("LockDate", float("inf")):
        raise RefusedError("InvalidRequestException", "Vault Lock configuration is immutable")


def _put_policy(region: _Region, call: Call, name: str) -> Document:
    _found(region.vaults, name, "Backup vault")
    region.policies[name] = call.body["Policy"]
    return {}


def _get_policy(region: _Region, _: Call, name: str) -> Document:
    vault = _found(region.vaults, name, "Backup vault")
    policy = _found(region.policies, name, "policy of vault")
    return {
        "BackupVaultName": name,
        "BackupVaultArn": vault["BackupVaultArn"],
        "Policy": policy,
    }


def _delete_policy(region: _Region, _: Call, name: str) -> Document:
    region.policies.pop(name, None)
    return {}


def _planned(call: Call) -> Document:
    plan = call.body["BackupPlan"]
    rules = [{"RuleId": str(uuid.uuid4()), **_RULE, **rule} for rule in plan["Rules"]]
    return {**plan, "Rules": rules}


def _create_plan(region: _Region, call: Call) -> Document:
    plan_id = str(uuid.uuid4())
    arn = _arn(call, "backup-plan", plan_id)
    region.tags[arn] = call.body.get("BackupPlanTags") or {}
    region.plans[plan_id] = {
        "BackupPlanId": plan_id,
        "BackupPlanArn": arn,
        "VersionId": secrets.token_hex(24),
        "CreationDate": time.time(),
        "BackupPlan": _planned(call),
    }
    return region.plans[plan_id]


def _get_plan(region: _Region, _: Call, plan_id: str) -> Document:
    return dict(_found(region.plans, plan_id, "Backup plan"))


def _update_plan(region: _Region, call: Call, plan_id: str) -> Document:
    plan = _found(region.plans, plan_id, "Backup plan")
    plan |= {"BackupPlan": _planned(call), "VersionId": secrets.token_hex(24)}
    return dict(plan)


def _delete_plan(region: _Region, _: Call, plan_id: str) -> Document:
    plan = _found(region.plans, plan_id, "Backup plan")
    if any(of == plan_id for of, _ in region.selections):
        raise RefusedError(
            "InvalidRequestException", "Related backup plan selections must be deleted"
        )
    del region.plans[plan_id]
    region.tags.pop(plan["BackupPlanArn"], None)
    return {"BackupPlanId": plan_id}


def _select(region: _Region, call: Call, plan_id: str) -> Document:
    _found(region.plans, plan_id, "Backup plan")
    selection = str(uuid.uuid4())
    chosen = call.body["BackupSelection"]
    empty: Document = {"ListOfTags": [], "Resources": [], "NotResources": []}
    region.selections[plan_id, selection] = {
        "BackupPlanId": plan_id,
        "SelectionId": selection,
        "CreationDate": time.time(),
        "BackupSelection": {**empty, **chosen},
    }
    return region.selections[plan_id, selection]


def _get_selection(region: _Region, _: Call, plan_id: str, selection: str) -> Document:
    return dict(_found(region.selections, (plan_id, selection), "backup selection"))


def _delete_selection(region: _Region, _: Call, plan_id: str, selection: str) -> Document:
    _found(region.selections, (plan_id, selection), "backup selection")
    del region.selections[plan_id, selection]
    return {}


def _create_testing(region: _Region, call: Call) -> Document:
    plan = call.body["RestoreTestingPlan"]
    name = plan["RestoreTestingPlanName"]
    _fresh(region.testing, name, "Restore testing plan")
    arn = _arn(call, "restore-testing-plan", f"{name}-{uuid.uuid4()}")
    region.tags[arn] = call.body.get("Tags") or {}
    defaults = {"ScheduleExpressionTimezone": "Etc/UTC", "StartWindowHours": 24}
    region.testing[name] = {
        **defaults,
        **plan,
        "RecoveryPointSelection": _points(plan),
        "RestoreTestingPlanArn": arn,
        "CreationTime": time.time(),
    }
    return region.testing[name]


def _points(plan: Document) -> Document:
    defaults = {"ExcludeVaults": [], "SelectionWindowDays": 30}
    return {**defaults, **plan["RecoveryPointSelection"]}


def _get_testing(region: _Region, _: Call, name: str) -> Document:
    return {"RestoreTestingPlan": _found(region.testing, name, "restore testing plan")}


def _update_testing(region: _Region, call: Call, name: str) -> Document:
    plan = _found(region.testing, name, "restore testing plan")
    change = call.body["RestoreTestingPlan"]
    plan |= change
    plan["RecoveryPointSelection"] = _points(plan)
    return dict(plan)


def _delete_testing(region: _Region, _: Call, name: str) -> Document:
    plan = _found(region.testing, name, "restore testing plan")
    if any(of == name for of, _ in region.tested):
        raise RefusedError("InvalidRequestException", "Delete its restore testing selections first")
    del region.testing[name]
    region.tags.pop(plan["RestoreTestingPlanArn"], None)
    return {}


def _test(region: _Region, call: Call, plan: str) -> Document:
    _found(region.testing, plan, "restore testing plan")
    chosen = call.body["RestoreTestingSelection"]
    name = chosen["RestoreTestingSelectionName"]
    _fresh(region.tested, (plan, name), "Restore testing selection")
    defaults = {"ValidationWindowHours": 0, "RestoreMetadataOverrides": {}}
    region.tested[plan, name] = {
        **defaults,
        **chosen,
        "RestoreTestingPlanName": plan,
        "CreationTime": time.time(),
    }
    arn = region.testing[plan]["RestoreTestingPlanArn"]
    return {**region.tested[plan, name], "RestoreTestingPlanArn": arn}


def _get_tested(region: _Region, _: Call, plan: str, name: str) -> Document:
    found = _found(region.tested, (plan, name), "restore testing selection")
    return {"RestoreTestingSelection": found}


def _update_tested(region: _Region, call: Call, plan: str, name: str) -> Document:
    found = _found(region.tested, (plan, name), "restore testing selection")
    found |= call.body["RestoreTestingSelection"]
    return dict(found)


def _delete_tested(region: _Region, _: Call, plan: str, name: str) -> Document:
    _found(region.tested, (plan, name), "restore testing selection")
    del region.tested[plan, name]
    return {}


def _tags(region: _Region, _: Call, arn: str) -> Document:
    return {"Tags": region.tags.get(arn, {})}


def _tag(region: _Region, call: Call, arn: str) -> Document:
    region.tags.setdefault(arn, {}).update(call.body.get("Tags") or {})
    return {}


def _untag(region: _Region, call: Call, arn: str) -> Document:
    for key in call.body.get("TagKeyList", ()):
        region.tags.get(arn, {}).pop(key, None)
    return {}


_NAME = "([^/]+)"
_VAULT = f"/backup-vaults/{_NAME}"
_PLAN = f"/backup/plans/{_NAME}"
_TESTING = f"/restore-testing/plans/{_NAME}"

_ROUTES: tuple[tuple[str, str, Callable[..., Document]], ...] = (
    ("PUT", _VAULT, _put_vault),
    ("GET", _VAULT, _get_vault),
    ("DELETE", _VAULT, _delete_vault),
    ("PUT", f"{_VAULT}/vault-lock", _lock),
    ("DELETE", f"{_VAULT}/vault-lock", _unlock),
    ("PUT", f"{_VAULT}/access-policy", _put_policy),
    ("GET", f"{_VAULT}/access-policy", _get_policy),
    ("DELETE", f"{_VAULT}/access-policy", _delete_policy),
    ("GET", f"{_VAULT}/recovery-points", lambda *_: {"RecoveryPoints": []}),
    ("PUT", "/backup/plans", _create_plan),
    ("GET", _PLAN, _get_plan),
    ("POST", _PLAN, _update_plan),
    ("DELETE", _PLAN, _delete_plan),
    ("PUT", f"{_PLAN}/selections", _select),
    ("GET", f"{_PLAN}/selections/{_NAME}", _get_selection),
    ("DELETE", f"{_PLAN}/selections/{_NAME}", _delete_selection),
    ("PUT", "/restore-testing/plans", _create_testing),
    ("GET", _TESTING, _get_testing),
    ("PUT", _TESTING, _update_testing),
    ("DELETE", _TESTING, _delete_testing),
    ("PUT", f"{_TESTING}/selections", _test),
    ("GET", f"{_TESTING}/selections/{_NAME}", _get_tested),
    ("PUT", f"{_TESTING}/selections/{_NAME}", _update_tested),
    ("DELETE", f"{_TESTING}/selections/{_NAME}", _delete_tested),
    ("GET", "/tags/(.+)", _tags),
    ("POST", "/tags/(.+)", _tag),
    ("POST", "/untag/(.+)", _untag),
)
