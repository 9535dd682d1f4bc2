"""Every rule of the pack: what it objects to, what it does not, and that nothing makes it fall."""

import re
from pathlib import Path
from typing import Any

import pytest

from policy import rules
from policy.resource import Resource, Secret
from policy.rule import Rule
from policy.rules import RULES
from strongroom.provider.values import UNKNOWN
from tests.unit.policy.cases_access import ACCESS
from tests.unit.policy.cases_instances import INSTANCES
from tests.unit.policy.scene import SOUND, STACK, Case, objections, one

CASES = INSTANCES | ACCESS
FIRING = [(name, case) for name, (firing, _) in CASES.items() for case in firing]
HOLDING = [(name, case) for name, (_, holding) in CASES.items() for case in holding]
#: Every property some rule asks for.
KEYS = {
    key
    for path in Path(rules.__file__).parent.glob("*.py")
    for key in re.findall(r'"([a-z][A-Za-z0-9]+)"', path.read_text())
}
ODD: list[Any] = [
    *("", "x", 0, -1, 2.5, True, [], [1, "x", None], {}, {"a": 1}, [{}], [[UNKNOWN]]),
    *([UNKNOWN], [{"name": UNKNOWN}], {"x": UNKNOWN}, Secret("x"), [Secret(UNKNOWN)]),
    *('{"Statement": "x"}', '{"Statement": {"Effect": "Allow", "Principal": 3}}', "[1]"),
]


def test_every_rule_is_seen_firing_and_not_firing() -> None:
    assert sorted(CASES) == sorted(rule.name for rule in RULES)
    assert all(firing and holding for firing, holding in CASES.values())


@pytest.mark.parametrize(("name", "case"), FIRING)
def test_a_rule_objects_and_says_what_to_do(name: str, case: Case) -> None:
    found = case.asked(name)
    assert found
    for each in found:
        assert each.rule.remedy in each.message
        assert all(control in each.message for control in each.rule.controls)
        assert "UNKNOWN" not in each.message
        assert "hunter2" not in each.message
        assert "MIIE" not in each.message


@pytest.mark.parametrize(("name", "case"), HOLDING)
def test_a_rule_does_not_object(name: str, case: Case) -> None:
    assert case.asked(name) == []


def test_a_sound_stack_satisfies_every_rule() -> None:
    assert objections(SOUND, STACK) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.name))
def test_what_is_not_known_yet_is_never_objected_to(rule: Rule) -> None:
    kinds = rule.on or ("a:b:C",)
    unknown = tuple(
        one(kind, protect=True, **dict.fromkeys(KEYS - {"type"}, UNKNOWN)) for kind in kinds
    )
    assert [each.message for one in unknown for each in rule.objections(one, STACK)] == []


@pytest.mark.parametrize("value", ODD, ids=str)
def test_no_value_makes_a_rule_fall(value: Any) -> None:
    kinds = sorted({kind for rule in RULES for kind in rule.on})
    odd = tuple(one(kind, **dict.fromkeys(KEYS - {"type"}, value)) for kind in kinds)
    assert isinstance(objections(odd, STACK), list)


def test_a_secret_is_not_shown_by_whatever_prints_a_resource() -> None:
    assert "hunter2" not in repr(Resource("a:b:C", properties={"password": Secret("hunter2")}))
