"""What would put another instance in the place of this one is refused in the preview, in words."""

from typing import Any

import pytest

from strongroom.provider.aws.lasting import Lasting, LastingInputs
from strongroom.provider.resource import Context, Refusal

HERE = Context("urn:pulumi:production::strongroom::strongroom:aws:Lasting::primary-lasting")
DECLARED: dict[str, Any] = {
    "database": "app",
    "network": "10.60.0.0/16",
    "zones": ["a", "b"],
    "engine_version": "17.6",
    "storage_gb": 100,
    "protected": True,
}


def check(old: dict[str, Any], **changes: Any) -> LastingInputs:
    before = LastingInputs(**{**DECLARED, **old}).dump()
    return Lasting().check(HERE, LastingInputs(**{**DECLARED, **old, **changes}), before)


@pytest.mark.parametrize(
    ("changes", "property_", "reason"),
    [
        ({"database": "shop"}, "database", "another instance, an empty one"),
        ({"network": "vpc-0123456789"}, "network", "RDS moves none"),
        ({"network": "10.61.0.0/16"}, "network", "Restore a snapshot there"),
        ({"zones": ["b", "a"]}, "zones", "that the instance may be in"),
        ({"zones": ["a"]}, "zones", "that the instance may be in"),
        ({"engine_version": "17.5"}, "engineVersion", "no way back"),
        ({"engine_version": "18.1"}, "engineVersion", "another major version"),
        ({"storage_gb": 50}, "storageGb", "only grows"),
    ],
)
def test_such_a_change_is_refused_with_its_reason(
    changes: dict[str, Any], property_: str, reason: str
) -> None:
    with pytest.raises(Refusal) as caught:
        check({}, **changes)
    ((name, why),) = caught.value.failures
    assert name == property_
    assert reason in why


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        check({}, database="shop", storage_gb=20, engine_version="17.5")
    assert [name for name, _ in caught.value.failures] == ["database", "engineVersion", "storageGb"]


def test_protection_and_the_change_go_in_two_updates() -> None:
    with pytest.raises(Refusal):
        check({}, database="shop", protected=False)
    assert check({"protected": False}, database="shop", protected=True).database == "shop"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"engine_version": "17.10"},
        {"engine_version": "17"},
        {"engine_version": "18.1", "major_upgrade": True},
        {"storage_gb": 200},
        {"zones": ["a", "b", "c"]},
        {"protected": False},
    ],
)
def test_what_can_be_done_in_place_passes(changes: dict[str, Any]) -> None:
    assert check({}, **changes).database == "app"


def test_a_new_stack_has_nothing_to_lose() -> None:
    inputs = LastingInputs(**DECLARED)
    assert Lasting().check(HERE, inputs, {}) == inputs


def test_the_name_of_the_last_snapshot_stays_and_no_two_instances_share_it() -> None:
    lasting, inputs = Lasting(), LastingInputs(**DECLARED)
    made, other = (lasting.create(HERE, inputs) for _ in range(2))
    assert made.outputs["suffix"] != other.outputs["suffix"]
    grown = LastingInputs(**{**DECLARED, "storage_gb": 200})
    updated = lasting.update(HERE, made.id, made.outputs, grown)
    assert updated.outputs["suffix"] == made.outputs["suffix"]
    assert updated.outputs["storageGb"] == 200
    read = lasting.read(HERE, made.id, updated.outputs)
    assert read is not None
    assert read.outputs == updated.outputs
