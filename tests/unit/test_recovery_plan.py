"""A plan survives being written down, and says in words what is lost by it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from strongroom.cluster.stack import StackFolder
from strongroom.errors import StrongroomError
from strongroom.recovery.journal import Journal, path_of
from strongroom.recovery.plan import Plan, Way, refuse_full_disk
from strongroom.recovery.rendering import lines
from strongroom.recovery.situation import Situation
from strongroom.recovery.sources import Kind, Source

PLAN = Plan(
    reason="database dropped: app at 2026-11-23 09:00:00 UTC by root",
    target="0/5000148",
    timeline=1,
    database="app",
    tables=(),
    way=Way.SWAP,
    why="the primary does not run",
    source=Source(Kind.REPLICA, "replica", "0/4000000", "0/3000000", 1_500_000_000),
    others=(),
    consume=False,
    replicas=("replica",),
    lost=3,
    first_lost="2026-11-23T09:00:00+00:00",
    last_lost="2026-11-23T09:30:00+00:00",
    seconds=6,
    made="2026-11-23T09:31:00+00:00",
)


def _said(plan: Plan) -> dict[str, str]:
    return dict(lines(plan))


def test_a_swap_says_that_all_databases_lose_what_was_done_since() -> None:
    said = _said(PLAN)
    assert said["lost by it"].startswith("all that was done since in ALL databases: 3 transactions")
    assert said["kept"] == (
        "the primary before, whole, the replica replica (in final-snapshots); replicas are made "
        "anew"
    )
    assert said["from"] == "replica replica (a copy, 1.5 GB)"
    assert said["what"] == "the whole primary, app and all other databases"


def test_a_migration_says_that_nothing_elsewhere_is_lost() -> None:
    said = _said(replace(PLAN, way=Way.MIGRATE))
    assert said["lost by it"].endswith("nothing elsewhere")
    assert said["what"] == "database app"


def test_tables_lose_nothing() -> None:
    said = _said(replace(PLAN, way=Way.MIGRATE, tables=("app.orders", "app.lines")))
    assert said["what"] == "app.orders, app.lines"
    assert said["lost by it"].startswith("nothing")


def test_without_a_target_everything_there_is_comes_back() -> None:
    said = _said(replace(PLAN, target=None, reason="", lost=0))
    assert said["back to"] == "the end of all WAL there is (timeline 1)"
    assert said["lost by it"] == "nothing that is in the WAL"
    assert "because" not in said


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    stack = StackFolder(tmp_path)
    assert Journal.at(stack) is None
    journal = Journal(path_of(stack), replace(PLAN, tables=("app.orders",)))
    journal.note(landing={"app.orders": "app.orders"})
    journal.finish("copy")
    assert Journal.at(stack) == journal
    journal.end()
    assert Journal.at(stack) is None


@pytest.mark.parametrize("spoilt", ["", "{}", "[]", '{"plan": {"way": "sideways"}}'])
def test_a_spoilt_journal_stops_every_recovery(tmp_path: Path, spoilt: str) -> None:
    stack = StackFolder(tmp_path)
    path_of(stack).write_text(spoilt)
    with pytest.raises(StrongroomError, match="tells how far a recovery got and cannot be read"):
        Journal.at(stack)


def test_a_disk_that_is_too_small_stops_it_before_anything_is_copied(tmp_path: Path) -> None:
    situation = cast("Situation", SimpleNamespace(stack=StackFolder(tmp_path)))
    huge = replace(PLAN, source=replace(PLAN.source, size=10**18))
    with pytest.raises(StrongroomError, match="a swap needs a third"):
        refuse_full_disk(situation, replace(huge, way=Way.MIGRATE))
    refuse_full_disk(situation, replace(huge, consume=True))
    refuse_full_disk(situation, replace(PLAN, source=replace(PLAN.source, size=1000)))
