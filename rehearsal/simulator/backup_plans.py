"""AWS Backup: plans, and what they are for."""

import secrets
import time
import uuid

from rehearsal.simulator.backup_held import NAME, Document, Region, Route, arn_of, existing
from rehearsal.simulator.calls import Call, RefusedError

#: What AWS gives a rule that does not say (API reference, BackupRuleInput).
_RULE = {
    "StartWindowMinutes": 480,
    "CompletionWindowMinutes": 10080,
    "ScheduleExpressionTimezone": "Etc/UTC",
}


def _planned(call: Call) -> Document:
    plan = call.body["BackupPlan"]
    rules = [{"RuleId": str(uuid.uuid4()), **_RULE, **rule} for rule in plan["Rules"]]
    return {**plan, "Rules": rules}


def _create_plan(region: Region, call: Call) -> Document:
    plan_id = str(uuid.uuid4())
    arn = arn_of(call, "backup-plan", plan_id)
    region.tags[arn] = call.body.get("BackupPlanTags") or {}
    region.plans[plan_id] = {
        "BackupPlanId": plan_id,
        "BackupPlanArn": arn,
        "VersionId": secrets.token_hex(24),
        "CreationDate": time.time(),
        "BackupPlan": _planned(call),
    }
    return region.plans[plan_id]


def _get_plan(region: Region, _: Call, plan_id: str) -> Document:
    return dict(existing(region.plans, plan_id, "Backup plan"))


def _update_plan(region: Region, call: Call, plan_id: str) -> Document:
    plan = existing(region.plans, plan_id, "Backup plan")
    plan |= {"BackupPlan": _planned(call), "VersionId": secrets.token_hex(24)}
    return dict(plan)


def _delete_plan(region: Region, _: Call, plan_id: str) -> Document:
    plan = existing(region.plans, plan_id, "Backup plan")
    if any(of == plan_id for of, _ in region.selections):
        raise RefusedError(
            "InvalidRequestException", "Related backup plan selections must be deleted"
        )
    del region.plans[plan_id]
    region.tags.pop(plan["BackupPlanArn"], None)
    return {"BackupPlanId": plan_id}


def _select(region: Region, call: Call, plan_id: str) -> Document:
    existing(region.plans, plan_id, "Backup plan")
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


def _get_selection(region: Region, _: Call, plan_id: str, selection: str) -> Document:
    return dict(existing(region.selections, (plan_id, selection), "backup selection"))


def _delete_selection(region: Region, _: Call, plan_id: str, selection: str) -> Document:
    existing(region.selections, (plan_id, selection), "backup selection")
    del region.selections[plan_id, selection]
    return {}


_PLAN = f"/backup/plans/{NAME}"

ROUTES: tuple[Route, ...] = (
    ("PUT", "/backup/plans", _create_plan),
    ("GET", _PLAN, _get_plan),
    ("POST", _PLAN, _update_plan),
    ("DELETE", _PLAN, _delete_plan),
    ("PUT", f"{_PLAN}/selections", _select),
    ("GET", f"{_PLAN}/selections/{NAME}", _get_selection),
    ("DELETE", f"{_PLAN}/selections/{NAME}", _delete_selection),
)
