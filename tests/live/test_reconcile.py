"""After a recovery, exactly what was half done is told, row by row, with whose it was."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.reconcile.remains import Did, End, Remains, Transaction
from strongroom.reconcile.report import reconcile
from strongroom.recovery import record
from strongroom.recovery.plan import Way
from strongroom.recovery.target import Target
from tests.conftest import end_server
from tests.live.local_stack import LocalStack
from tests.live.reconcile_scene import Half, half_saved
from tests.live.recover_scene import MIGRATE, SWAP

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture(scope="module", params=[MIGRATE, SWAP])
def half(request: pytest.FixtureRequest, strongroom_home: Path) -> Iterator[Half]:
    stack = LocalStack(strongroom_home)
    yield half_saved(stack, request.param)
    for facts in stack.folder.rglob("cluster.json"):
        end_server(facts.parent)
    shutil.rmtree(stack.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def told(half: Half) -> dict[str, Transaction]:
    """What is told of each transaction in the database, by the role whose it was."""
    found = half.remains()
    return {each.session.role if each.session else "": each for each in _in_app(found)}


def _in_app(remains: Remains) -> list[Transaction]:
    return [each for each in remains.lost if each.database == "app"]


def test_exactly_the_transactions_that_were_cut_off_are_told_with_whose_they_were(
    half: Half, told: dict[str, Transaction]
) -> None:
    numbers = {name: half.numbers[name] for name in ("chiara", "web", "ada")}
    assert {role: each.id for role, each in told.items()} == numbers
    assert {each.end for each in told.values()} == {End.CUT}
    called = {each.session.application for each in told.values() if each.session}
    assert called == {"psql", "forms", "repair"}
    assert {each.state for each in told.values()} == {"idle in transaction"}
    assert f"{4 if half.way is Way.SWAP else 3} transactions were cut off" in half.kept[0]


def test_every_row_is_told_with_its_key_and_what_it_would_have_become(
    told: dict[str, Transaction],
) -> None:
    tables = {table.table: table for table in told["chiara"].tables}
    rows = {row.did: row for row in tables["app.orders"].rows}
    assert len(tables["app.orders"].rows) == 2
    updated, kept = rows[Did.UPDATED], rows[Did.INSERTED]
    assert (updated.did, updated.key) == (Did.UPDATED, {"id": "7"})
    assert (updated.before, updated.after) == ({"note": None}, {"note": "half, again"})
    assert (kept.did, kept.after["item"]) == (Did.INSERTED, "kept in its savepoint")
    assert kept.key == {"id": kept.after["id"]}
    (keyless,) = tables["app.keyless"].rows
    assert (keyless.key, keyless.after) == ({}, {"said": "nothing | to *hold* on to"})
    assert told["chiara"].parts  # of the savepoints, but not the one that was taken back
    lines = {table.table: table for table in told["web"].tables}["app.lines"]
    assert {row.key["position"]: row.after["sku"] for row in lines.rows} == {
        "1": "sku 1",
        "2": "other",
        "3": "sku 3",
        **{str(position): "copied" for position in range(11, 41)},
    }
    assert (lines.inserted, lines.updated, lines.unknown) == (33, 0, "")


def test_a_deleted_row_is_told_by_its_key(half: Half, told: dict[str, Transaction]) -> None:
    orders = {table.table: table for table in told["ada"].tables}["app.orders"]
    assert [(row.did, row.key) for row in orders.rows] == [(Did.DELETED, {"id": "9"})]
    assert half.scene.count("SELECT count(*) FROM app.orders WHERE id = 9") == 1


def test_values_of_every_type_are_told_as_their_session_saw_them(
    half: Half, told: dict[str, Transaction]
) -> None:
    (row,) = {table.table: table for table in told["ada"].tables}["app.kinds"].rows
    long = half.kinds["body"] or ""
    assert len(long) == 12_800
    assert row.after["body"] == f"{long[:200]} …"
    wanted = {name: text for name, text in half.kinds.items() if name not in ("body", "yes", "at")}
    assert {name: row.after[name] for name in wanted} == wanted
    assert (row.after["yes"], row.after["at"]) == ("t", "2026-11-23 09:00:00+00")


def test_what_was_committed_last_is_told_with_its_keys(half: Half) -> None:
    last = {each.id: each for each in half.remains(last=60).last}
    (orders,) = last[half.numbers["last"]].tables
    assert orders.table == "app.orders"
    assert {(row.did, row.key["id"]) for row in orders.rows} == {
        (Did.UPDATED, "1"),
        (Did.INSERTED, "800"),
    }
    assert not {half.numbers[name] for name in ("chiara", "web", "ada")} & last.keys()
    assert half.remains(last=0).last == ()


def test_a_session_that_had_changed_nothing_is_told_apart(half: Half) -> None:
    idle = [each.session.role for each in half.remains().idle if each.session.database == "app"]
    assert idle == ["esra"]


def test_a_swap_cuts_off_other_databases_too(half: Half) -> None:
    elsewhere = [each for each in half.remains().lost if each.database == "other"]
    if half.way is Way.SWAP:
        (one,) = elsewhere
        assert one.end is End.OPEN
        (table,) = one.tables
        assert [row.after for row in table.rows] == [{"said": "open elsewhere"}]
    else:
        assert elsewhere == []


def test_nothing_the_database_has_is_told_as_lost(half: Half) -> None:
    # Nobody's eyes are needed to see that: the rows are not there, and the kept ones are.
    query = "SELECT count(*) FROM app.orders WHERE id IN (800, 900)"
    assert half.scene.count(query) == 1
    assert half.scene.count("SELECT count(*) FROM app.kinds") == 0
    assert half.scene.count("SELECT count(*) FROM pg_class WHERE relname ~ 'scratch'") == 0
    assert half.scene.stack.primary.refresh() == []


def test_a_finished_recovery_is_on_record(half: Half) -> None:
    (finished,) = record.finished(half.scene.situation.stack)
    assert finished.plan == half.plan
    assert finished.outcome.seconds > 0
    assert (half.scene.stack.folder / "recoveries").stat().st_mode & 0o077 == 0
    named = half.remains(target=Target(lsn=half.plan.target))
    assert named == half.remains()


def test_before_a_recovery_rows_are_counted_and_it_is_said_why_none_is_told(half: Half) -> None:
    web = next(each for each in half.before.lost if each.session and each.session.role == "web")
    assert web.id == half.numbers["web"]
    assert sorted((each.inserted, each.rows) for each in web.tables) == [(1, ()), (33, ())]
    assert all("no catalog that is left" in each.unknown for each in web.tables)
    assert not half.before.blind


def test_without_the_log_it_is_said_that_nobody_can_be_named(half: Half) -> None:
    mine = {half.numbers[name] for name in ("chiara", "web", "ada")}
    found = {each.id: each for each in half.unlogged.lost}
    assert mine <= found.keys()
    assert {found[each].end for each in mine} == {End.UNDONE}
    assert {found[each].session for each in mine} == {None}
    assert half.unlogged.blind
    assert any("nobody can be named" in each for each in half.unlogged.unknown)


def test_without_wal_it_is_said_that_nothing_is_known(half: Half) -> None:
    assert half.blind.lost == ()
    assert half.blind.blind
    assert "not known" in half.blind.unknown[0]


def test_the_report_is_markdown_in_which_no_text_of_others_is_a_mark(half: Half) -> None:
    report = reconcile(half.scene.situation, "app")
    assert not report.clean
    text = report.markdown({"chiara": "Chiara Lindqvist, mid"})
    assert f"### Transaction {half.numbers['chiara']}: chiara (Chiara Lindqvist, mid), " in text
    assert "| updated | id=7 | note=NULL | note=half, again |" in text
    assert "said=nothing \\| to \\*hold\\* on to" in text
    assert report.dump()["remains"]["lost"]
