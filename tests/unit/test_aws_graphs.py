"""The whole graph of each stack on AWS is in a file, so that a review shows what a change does."""

import json

import pytest

from tests.unit.aws_graph import GRAPHS, render
from tests.unit.aws_stack import ENVIRONMENTS, NothingThere, configuration, declare


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_graph_is_the_one_that_was_reviewed(environment: str) -> None:
    kept = (GRAPHS / f"{environment}.yaml").read_text()
    assert render(environment) == kept, "`make graphs`, then read the difference"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_first_preview_of_an_empty_account_shows_all_of_it(environment: str) -> None:
    shown = declare(environment, answers=NothingThere(), preview=True)
    made = declare(environment)
    assert {each.urn for each in shown.registered} == {each.urn for each in made.registered}
    assert shown.of_type("postgresql:index/role:Role")
    assert shown.of_type("postgresql:index/grant:Grant")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_but_the_first_password_is_secret_and_it_is_told_to_the_instance_only(
    environment: str,
) -> None:
    stack = declare(environment)
    password = stack.named("primary-instance").inputs["password"]["value"]
    for one in stack.registered:
        told = json.dumps(one.inputs, default=str)
        assert (password in told) is (one.name == "primary-instance"), one.name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_resource_is_below_a_component(environment: str) -> None:
    stack = declare(environment)
    components = {
        each.urn for each in stack.registered if each.type.startswith("strongroom:components:")
    }
    made = {each.urn: each for each in stack.registered}
    for one in stack.registered:
        above = one.request.parent
        while above in made and above not in components:
            above = made[above].request.parent
        top = ("pulumi:pulumi:Stack", "pulumi:providers:")
        assert above in components or one.urn in components or one.type.startswith(top), one.name


def test_a_change_of_a_setting_changes_the_graph() -> None:
    changed = declare("production", configuration("production", multiAz=False))
    assert changed.named("primary-instance").inputs["multiAz"] is False
