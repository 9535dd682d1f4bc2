"""AWS Backup: restore testing, its plans and what they restore."""

import time
import uuid

from rehearsal.simulator.backup_held import NAME, Document, Region, Route, arn_of, existing, fresh
from rehearsal.simulator.calls import Call, RefusedError


def _create_testing(region: Region, call: Call) -> Document:
    plan = call.body["RestoreTestingPlan"]
    name = plan["RestoreTestingPlanName"]
    fresh(region.testing, name, "Restore testing plan")
    arn = arn_of(call, "restore-testing-plan", f"{name}-{uuid.uuid4()}")
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


def _get_testing(region: Region, _: Call, name: str) -> Document:
    return {"RestoreTestingPlan": existing(region.testing, name, "restore testing plan")}


def _update_testing(region: Region, call: Call, name: str) -> Document:
    plan = existing(region.testing, name, "restore testing plan")
    change = call.body["RestoreTestingPlan"]
    plan |= change
    plan["RecoveryPointSelection"] = _points(plan)
    return dict(plan)


def _delete_testing(region: Region, _: Call, name: str) -> Document:
    plan = existing(region.testing, name, "restore testing plan")
    if any(of == name for of, _ in region.tested):
        raise RefusedError("InvalidRequestException", "Delete its restore testing selections first")
    del region.testing[name]
    region.tags.pop(plan["RestoreTestingPlanArn"], None)
    return {}


def _test(region: Region, call: Call, plan: str) -> Document:
    existing(region.testing, plan, "restore testing plan")
    chosen = call.body["RestoreTestingSelection"]
    name = chosen["RestoreTestingSelectionName"]
    fresh(region.tested, (plan, name), "Restore testing selection")
    defaults = {"ValidationWindowHours": 0, "RestoreMetadataOverrides": {}}
    region.tested[plan, name] = {
        **defaults,
        **chosen,
        "RestoreTestingPlanName": plan,
        "CreationTime": time.time(),
    }
    arn = region.testing[plan]["RestoreTestingPlanArn"]
    return {**region.tested[plan, name], "RestoreTestingPlanArn": arn}


def _get_tested(region: Region, _: Call, plan: str, name: str) -> Document:
    found = existing(region.tested, (plan, name), "restore testing selection")
    return {"RestoreTestingSelection": found}


def _update_tested(region: Region, call: Call, plan: str, name: str) -> Document:
    found = existing(region.tested, (plan, name), "restore testing selection")
    found |= call.body["RestoreTestingSelection"]
    return dict(found)


def _delete_tested(region: Region, _: Call, plan: str, name: str) -> Document:
    existing(region.tested, (plan, name), "restore testing selection")
    del region.tested[plan, name]
    return {}


_TESTING = f"/restore-testing/plans/{NAME}"

ROUTES: tuple[Route, ...] = (
    ("PUT", "/restore-testing/plans", _create_testing),
    ("GET", _TESTING, _get_testing),
    ("PUT", _TESTING, _update_testing),
    ("DELETE", _TESTING, _delete_testing),
    ("PUT", f"{_TESTING}/selections", _test),
    ("GET", f"{_TESTING}/selections/{NAME}", _get_tested),
    ("PUT", f"{_TESTING}/selections/{NAME}", _update_tested),
    ("DELETE", f"{_TESTING}/selections/{NAME}", _delete_tested),
)
