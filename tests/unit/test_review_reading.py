"""Reading what the engine printed, in both of its forms."""

import json
from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.review.reading import parse

TYPE = "strongroom:access:Memberships"
URN = f"urn:pulumi:local::strongroom::strongroom:components:Access${TYPE}::access-memberships"


def state(inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": TYPE, "urn": URN, "inputs": inputs, **more}


def as_digest(*steps: tuple[str, Any, Any, list[str]], **more: Any) -> str:
    told = [
        {"op": op, "urn": URN, "oldState": old, "newState": new, "diffReasons": keys}
        for op, old, new, keys in steps
    ]
    return json.dumps({"steps": told, "diagnostics": [], "changeSummary": {"same": 4}, **more})


def as_events(*steps: tuple[str, Any, Any, list[str]], **more: Any) -> str:
    told: list[dict[str, Any]] = [
        {
            "resourcePreEvent": {
                "metadata": {"op": op, "urn": URN, "old": old, "new": new, "diffs": keys}
            }
        }
        for op, old, new, keys in steps
    ]
    told += [{name: event} for name, events in more.items() for event in events]
    told.append({"summaryEvent": {"result": "succeeded", "resourceChanges": {"same": 4}}})
    return "".join(json.dumps({"sequence": at, **each}) + "\n" for at, each in enumerate(told))


HAND = [
    ("refresh", state({"members": 1}), state({"members": 1}), []),
    ("update", state({"members": 2}, outputs={"drift": ["eve is in tier_full"]}),
     state({"members": 1}), ["drift", "members"]),
]  # fmt: skip


@pytest.mark.parametrize("form", [as_digest, as_events])
def test_both_forms_give_the_same_preview(form: Any) -> None:
    found = parse(form(*HAND))
    assert found == parse(as_digest(*HAND))
    assert found.unchanged == 4
    (step,) = found.steps
    assert (step.op, step.type, step.keys) == ("update", TYPE, ("drift", "members"))
    assert step.drift == ("eve is in tier_full", "members was changed")


def test_what_the_program_changes_is_no_drift() -> None:
    changed = [HAND[0], ("update", state({"members": 1}), state({"members": 2}), ["members"])]
    (step,) = parse(as_events(*changed)).steps
    assert step.drift == ()


def test_what_is_gone_and_made_again_is_drift() -> None:
    gone: list[Any] = [
        ("refresh", state({}), None, []),
        ("create", None, state({"members": 1}), []),
    ]
    (step,) = parse(as_events(*gone)).steps
    assert (step.op, step.drift) == ("create", ("it is gone",))


def test_the_parts_of_a_replacement_are_one_step() -> None:
    old, new = state({"members": 1}), state({"members": 2})
    parts = [("create-replacement", old, new, []), ("replace", old, new, ["members"]),
             ("delete-replaced", old, None, [])]  # fmt: skip
    assert [step.op for step in parse(as_events(*parts)).steps] == ["replace"]


def test_protection_switched_off_is_seen_also_where_nothing_else_changes() -> None:
    kept: list[Any] = [("same", state({}, protect=True), state({}, protect=False), [])]
    assert parse(as_events(*kept)).unprotected == (URN,)
    assert parse(as_events(("same", state({}), state({}), []))).unprotected == ()


@pytest.mark.parametrize(
    "other",
    [
        [HAND[0], ("update", state({"members": 2}), state({"members": 1}), ["members"])],
        [HAND[0], ("delete", state({"members": 2}), None, [])],
        [],
    ],
)
def test_a_fingerprint_tells_previews_apart(other: Any) -> None:
    assert parse(as_events(*HAND)).fingerprint == parse(as_digest(*HAND)).fingerprint
    assert parse(as_events(*HAND)).fingerprint != parse(as_events(*other)).fingerprint


def test_policies_are_told_with_what_they_object_to() -> None:
    objection = {
        "resourceUrn": URN,
        "message": "no\nnever\n",
        "policyName": "never",
        "policyPackName": "tiny",
        "enforcementLevel": "mandatory",
    }
    asked = {"policyPackName": "tiny", "passed": ["one"], "failed": ["never"]}
    found = parse(
        as_events(
            policyLoadEvent=[{}],
            policyAnalyzeSummaryEvent=[asked, asked],
            policyAnalyzeStackSummaryEvent=[{"policyPackName": "tiny", "passed": ["whole"]}],
            policyEvent=[objection],
        )
    )
    assert found.policies == 3
    assert [(each.policy, each.mandatory) for each in found.violations] == [("tiny/never", True)]
    assert parse(as_events()).policies is None


def test_errors_are_kept_and_usual_warnings_left_out() -> None:
    said = [
        {"message": "error: the roster is wrong\n", "severity": "error"},
        {"message": "using pulumi-resource-x from $PATH", "severity": "warning"},
        {"message": "warning: restarts the server", "severity": "warning"},
        {"message": "read 5 rows", "severity": "debug"},
    ]
    found = parse(as_events(diagnosticEvent=said))
    assert (found.errors, found.notes) == (("the roster is wrong",), ("restarts the server",))


@pytest.mark.parametrize(
    "text", ["", "error: no stack named 'x' found\n", "{", "[]", "{}", "null",
             as_events(*HAND).rsplit("\n", 2)[0], as_digest(*HAND)[:-10]],
)  # fmt: skip
def test_what_is_no_whole_preview_is_refused(text: str) -> None:
    with pytest.raises(StrongroomError, match="not the whole output"):
        parse(text)
