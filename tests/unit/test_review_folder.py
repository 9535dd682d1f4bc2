"""The folder of a review: what is applied from it is what was reviewed, or nothing."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from strongroom.errors import StrongroomError
from strongroom.review.folder import PLAN, REVIEW, Reviewed, write
from strongroom.review.preview import Preview
from tests.unit.review_scene import NOW, change, step
from tests.unit.test_review_rendering import review

STEPS = (step("a:b:C", name="one", keys=("x",), found={"x": 1}, wanted={"x": 2}),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    (made / PLAN).write_text("{}")
    write(made, review(change(tmp_path, steps=STEPS)), "what the engine said")
    return made


def test_a_folder_gives_back_what_was_reviewed(folder: Path) -> None:
    found = Reviewed.load(folder)
    assert (found.environment, found.tree, found.at) == ("local", "t" * 40, NOW)
    found.refuse_other("local", "t" * 40, NOW + timedelta(days=6))
    found.refuse_moved(Preview(steps=STEPS))


def test_another_stack_other_files_and_an_old_review_are_refused(folder: Path) -> None:
    found = Reviewed.load(folder)
    for environment, tree, days, why in (
        ("production", "t" * 40, 0, "is a review of the stack local, not of production"),
        ("local", "u" * 40, 0, "not those that were reviewed"),
        ("local", "t" * 40, 8, "longer ago than 7 days"),
    ):
        with pytest.raises(StrongroomError, match=f"{why}.*nothing was changed"):
            found.refuse_other(environment, tree, NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((), "one: reviewed was update, now it is no change"),
        ((step("a:b:C", "delete", "one"),), "one: reviewed was update, now it is delete"),
        (
            (
                *STEPS,
                step("a:b:C", name="two", keys=("drift",), found={"drift": ["by \x1b[1m eve"]}),
            ),
            "two: reviewed was no change, now it is update (by \\x1b[1m eve)",
        ),
        (
            (step("a:b:C", name="one", keys=("x",), found={"x": 1}, wanted={"x": 3}),),
            "one: reviewed was update, now it is update",
        ),
    ],
)
def test_a_world_that_has_moved_is_refused_by_name(
    folder: Path, steps: tuple[object, ...], told: str
) -> None:
    with pytest.raises(StrongroomError) as refused:
        Reviewed.load(folder).refuse_moved(Preview(steps=steps))  # type: ignore[arg-type]
    assert told in str(refused.value)
    assert "nothing was changed" in str(refused.value)


def test_a_plan_that_is_not_the_reviewed_one_is_refused(folder: Path) -> None:
    (folder / PLAN).write_text('{"resourcePlans": {}}')
    with pytest.raises(StrongroomError, match="is not the plan that was reviewed"):
        Reviewed.load(folder)


def test_a_review_whose_preview_failed_has_nothing_to_apply(folder: Path, tmp_path: Path) -> None:
    (folder / PLAN).unlink()
    write(folder, review(change(tmp_path)), "")
    with pytest.raises(StrongroomError, match="there is no plan to apply"):
        Reviewed.load(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", json.dumps({"environment": 1})])
def test_a_folder_without_a_readable_review_is_refused(folder: Path, content: str) -> None:
    (folder / REVIEW).write_text(content)
    with pytest.raises(StrongroomError, match="holds no review"):
        Reviewed.load(folder)
