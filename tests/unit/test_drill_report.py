"""The report and the summary of a drill."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from strongroom.drill.report import duration, page
from strongroom.drill.result import Mark, Result, Round, Shown, Step, summary
from strongroom.drill.timeline import draw, phases
from strongroom.drill.verifying import Verdict

ROUND = Round(
    number=1,
    dropped=datetime(2026, 11, 24, 9, tzinfo=UTC),
    way="migrate",
    source="snapshot 20261124T085900.000Z",
    size=68_000_000,
    detected=0.6,
    told_by="the agent's alert",
    named=0.7,
    culprit="root, opened by bram (DRILL-1) from [local]",
    recovering=0.7,
    served=3.4,
    resumed=4.2,
    lost_seconds=0.0,
    marks=(Mark("copying the snapshot", 1.6), Mark("replaying WAL", 2.4)),
    verdict=Verdict(acknowledged=415, rows=1684),
    steps=(Step("naming the culprit", 0.1, (Shown("ops", "strongroom incident", "ok", 0),)),),
)
RESULT = Result("local", datetime(2026, 11, 24, 9, tzinfo=UTC), 40.0, "17.10", (ROUND,))


def test_a_drill_without_a_loss_passes() -> None:
    assert RESULT.passed
    assert RESULT.dump()["passed"] is True
    json.dumps(RESULT.dump())


def test_one_lost_form_in_one_round_of_two_fails_the_whole_drill() -> None:
    lost = replace(ROUND, number=2, verdict=Verdict(acknowledged=9, rows=9, lost=("r2-w0-1",)))
    result = replace(RESULT, rounds=(ROUND, lost))
    assert not result.passed
    assert result.problems == ["round 2: 1 forms acknowledged and lost: r2-w0-1"]
    assert summary(result.rounds)["lost"] == 1
    assert "1 of 424 acknowledged forms are lost." in page(result)
    assert "did not pass" in page(result)


@pytest.mark.parametrize("changes", [{"named": 5.5}, {"resumed": 31.0}])
def test_a_missed_limit_fails_it_unless_limits_are_only_told(changes: dict[str, float]) -> None:
    slow = replace(RESULT, rounds=(replace(ROUND, **changes),))  # type: ignore[arg-type]
    assert "is the limit" in slow.problems[0]
    assert replace(slow, limits=False).passed


def test_a_database_of_more_than_a_gigabyte_may_take_longer() -> None:
    large = replace(ROUND, size=3_000_000_000, resumed=60.0)
    assert large.missed == ()


def test_the_summary_tells_median_and_worst() -> None:
    rounds = [replace(ROUND, resumed=seconds) for seconds in (4.0, 5.0, 9.0)]
    assert summary(rounds)["rto"] == {"median": 5.0, "worst": 9.0}


def test_the_page_escapes_whatever_it_is_given() -> None:
    evil = "<script>alert('x')</script>\" & <b>"
    shown = Shown(evil, evil, evil, 3)
    step = Step(evil, 1.0, (shown,), (evil,))
    round_ = replace(
        ROUND, culprit=evil, source=evil, told_by=evil, marks=(Mark(evil, 1.0),), steps=(step,),
        problems=(evil,),
    )  # fmt: skip
    text = page(replace(RESULT, stack=evil, rounds=(round_,), before=(step,)))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_page_needs_nothing_else() -> None:
    text = page(RESULT)
    assert not re.search(r"(src|href)=|url\(|@import|https?://", text)
    assert text.lstrip().startswith("<!doctype html>")
    assert "prefers-color-scheme: dark" in text
    assert "Dropped, and back in 4.2 s. Nothing is lost." in text


@pytest.mark.parametrize("width", [360, 920])
def test_the_drawing_stays_within_its_width_and_has_no_gap(width: float) -> None:
    drawing = draw(ROUND, width)
    for row in (drawing.original, drawing.drill):
        bars = row.bars
        assert bars[0].x >= 0
        assert bars[-1].x + bars[-1].width <= width
        for before, after in pairwise(bars):
            assert after.x == pytest.approx(before.x + before.width, abs=1)


def test_the_phases_of_a_drill_go_from_the_drop_to_the_first_form() -> None:
    found = phases(ROUND)
    assert (found[0].begin, found[-1].end) == (0, ROUND.resumed)
    assert [phase.title for phase in found] == [
        "not noticed yet",
        "the culprit is looked for",
        "the recovery is planned",
        "copying the snapshot",
        "replaying WAL",
        "the application connects again",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.05, "50 ms"), (4.21, "4.2 s"), (1800, "30 min"), (18000, "5 h")],
)
def test_seconds_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
