"""What a rehearsal goes through, and how long it says that takes."""

import shutil
from pathlib import Path
from typing import cast

import pytest

from rehearsal.acts import Act, acts
from rehearsal.instances import Instances
from rehearsal.scene import Scene
from rehearsal.simulator.server import Simulator

STACKS = Path(__file__).parents[2] / "stacks"


@pytest.fixture
def steps(request: pytest.FixtureRequest, tmp_path: Path) -> list[Act]:
    """The steps for a stack; none is taken, so nothing of the scene is needed but its files."""
    scene = Scene(tmp_path, request.param, cast("Simulator", None), cast("Instances", None))
    shutil.copytree(STACKS, scene.checkout / "stacks")
    return acts(scene, lambda _: None)


@pytest.mark.parametrize("steps", ["production", "staging"], indirect=True)
def test_a_protected_stack_is_kept_and_then_let_go_in_less_than_twelve_minutes(
    steps: list[Act],
) -> None:
    titles = [each.title for each in steps]
    assert titles[-4:] == [
        "a change that would replace the primary",
        "destroy, while it is protected",
        "a change of tier and of a setting, and protection off by hand",
        "destroy",
    ]
    assert sum(each.expected for each in steps) <= 12 * 60


@pytest.mark.parametrize("steps", ["development"], indirect=True)
def test_a_stack_that_nothing_protects_has_nothing_to_refuse(steps: list[Act]) -> None:
    assert [each.title for each in steps][-2:] == ["a change of tier and of a setting", "destroy"]
    assert sum(each.expected for each in steps) <= 9 * 60
