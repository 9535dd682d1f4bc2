"""Transactions of the WAL joined with statements of the log, also where that is in doubt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strongroom.incident.events import CutOff, Kind, Session
from strongroom.incident.joining import Joining, from_log
from strongroom.incident.living import Last, Living
from strongroom.incident.log import Log, Statement
from strongroom.incident.rendering import rendered
from strongroom.incident.statements import actions
from strongroom.incident.wal import Deed
from strongroom.incident.waldump import Finish

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
ADA = Session("1.a", "ada", "app", "10.0.0.9", 5000, "psql")
BRAM = Session("1.b", "bram", "app", "10.0.0.8", 5001, "psql")


def after(milliseconds: float) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


def said(
    text: str, at: float, ended: float | None, session: Session = ADA, **more: Any
) -> Statement:
    values = {"virtual": f"3/{at}", "ended": None if ended is None else after(ended), **more}
    return Statement(session, after(at), text, actions(text), **values)


def deed(at: float, transaction: int = 800, kind: Kind = Kind.TABLE, **more: Any) -> Deed:
    done = Finish(transaction * 64, transaction, (), after(at), committed=True, files=("base/5/9",))
    return Deed(kind, 16384, done, done.lsn, 1, **more)


def joined(*statements: Statement, **living: Any) -> Joining:
    return Joining(Log(statements=statements), Living(**living))


def test_two_statements_of_one_millisecond_are_told_apart_by_their_order() -> None:
    first, second = said("drop table a", 7, 7), said("drop table b", 7, 8, virtual="3/8")
    joining = joined(first, second)
    newest, older = joining.event(deed(7.9, 801)), joining.event(deed(7.4, 800))
    assert (newest.what, older.what) == (("b",), ("a",))
    assert "same millisecond" in newest.unknown[0]
    assert older.unknown == ()


def test_two_sessions_that_both_may_have_done_it_are_both_listed_and_none_is_accused() -> None:
    joining = joined(said("drop table a", 1, None), said("drop table b", 2, None, BRAM))
    event = joining.event(deed(5))
    assert event.culprit is None
    assert [one.session for one in event.suspects] == [ADA, BRAM]
    assert "Which of 2 sessions did it is not known" in event.unknown[0]
    assert "who          not known" in rendered(event)
    assert "perhaps      bram, 10.0.0.8:5001 as 'psql', session 1.b in app" in rendered(event)


def test_a_transaction_id_in_the_log_settles_it() -> None:
    settled = joined(
        said("drop table a", 1, None, transaction=800), said("drop table b", 2, None, BRAM)
    ).event(deed(5))
    assert settled.culprit is not None
    assert (settled.culprit.session, settled.what) == (ADA, ("a",))


@pytest.mark.parametrize(
    "other",
    [
        said("drop table a", 6, None),
        said("drop table a", 1, 3),
        said("drop table a", 1, None, failed=True),
        said("drop table a", 1, None, transaction=1),
        said("truncate a", 1, None),
        said("drop schema a", 1, None),
    ],
    ids=["later", "over", "failed", "another transaction", "another deed", "graver deed"],
)
def test_a_statement_that_cannot_have_done_it_accuses_nobody(other: Statement) -> None:
    event = joined(other).event(deed(5))
    assert (event.culprit, event.suspects) == (None, ())
    assert "the log of 2026-11-23 is missing" in event.unknown[0]


def test_a_statement_in_another_database_accuses_nobody() -> None:
    elsewhere = joined(said("drop table a", 1, None), databases={16384: "shop"})
    assert elsewhere.event(deed(5)).culprit is None
    here = joined(said("drop table a", 1, None), databases={16384: "app"})
    assert here.event(deed(5)).culprit is not None


def test_several_statements_of_one_transaction_are_told_together() -> None:
    joining = joined(
        said("drop table a;", 1, None, virtual="3/1"), said("drop table b", 2, None, virtual="3/1")
    )
    event = joining.event(deed(5))
    assert event.what == ("a", "b")
    assert event.culprit is not None
    assert event.culprit.statement == "drop table a;\ndrop table b"


def test_what_a_session_ran_last_names_it_only_if_it_ran_then() -> None:
    ran = Last(ADA, "truncate a", after(4), after(6))
    assert joined(last=(ran,)).event(deed(5)).culprit is not None
    assert joined(last=(ran,)).event(deed(7)).culprit is None
    report = Last(BRAM, "select sum(x) from t", after(1), after(9))
    both = joined(last=(ran, report)).event(deed(5))
    assert both.culprit is not None
    assert both.culprit.session == ADA


def test_two_that_both_ran_something_destructive_then_are_not_told_apart() -> None:
    runs = (Last(ADA, "truncate a", after(4), after(6)), Last(BRAM, "commit", after(4), after(6)))
    assert joined(last=runs).event(deed(5)).culprit is None


def test_sessions_ended_for_a_database_are_those_that_were_in_it() -> None:
    cuts = (
        CutOff(BRAM, "idle", None, after(-20_000)),
        CutOff(ADA, "INSERT", 7, after(2)),
        CutOff(Session("1.c", "web", "shop", "[local]", None, ""), "idle", None, after(2)),
    )
    statement = said("drop database app with (force)", 1, None, BRAM)
    log = Log(statements=(statement,), cut_off=cuts)
    event = Joining(log, Living()).event(deed(5, kind=Kind.DATABASE))
    assert event.cut_off == (cuts[1],)
    assert from_log(log, statement, "gone").cut_off == (cuts[1],)


def test_words_of_others_cannot_move_the_cursor() -> None:
    odd = Session("1.d", "ada", "app", "[local]", None, "x\x1b[2J\n")
    event = joined(said('drop table "a\x1b[2J"', 1, None, odd)).event(deed(5))
    assert "\x1b" not in rendered(event)
