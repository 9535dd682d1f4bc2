"""What the server's log tells, also one that is cut short, odd or not there."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.incident.events import Session
from strongroom.incident.log import Log, Statement, present, read

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
ADA = {"session_id": "6b0498af.1", "user": "ada", "dbname": "app"}


def line(seconds: float, message: str, severity: str = "LOG", **more: Any) -> str:
    """A line of the log, so many seconds after the start."""
    at = START + timedelta(seconds=seconds)
    stamp = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"
    entry = {"timestamp": stamp, **ADA, "error_severity": severity, "message": message, **more}
    return json.dumps(entry, separators=(",", ":")) + "\n"


def logged(folder: Path, *lines: str, day: str = "2026-11-23") -> Log:
    (folder / f"postgresql-{day}.json").write_text("".join(lines))
    return read(folder, START)


def only(log: Log) -> Statement:
    (statement,) = log.statements
    return statement


def test_a_statement_is_followed_until_its_transaction_is_over(tmp_path: Path) -> None:
    log = logged(
        tmp_path,
        line(0, "statement: DROP TABLE app.x", vxid="3/1", txid=0, remote_host="10.0.0.9"),
        line(1, "statement: CREATE TABLE y ()", vxid="3/1", txid=812),
        line(2, "statement: CREATE TABLE z ()", vxid="3/2", txid=0),
    )
    said = only(log)
    assert (said.transaction, said.failed) == (812, False)
    assert said.ended == START + timedelta(seconds=2)
    assert said.session == Session("6b0498af.1", "ada", "app", "10.0.0.9", None, "")
    assert said.may_have_committed(START + timedelta(seconds=1.5))
    assert not said.may_have_committed(START + timedelta(seconds=2.5))
    assert not said.may_have_committed(START - timedelta(seconds=0.5))


@pytest.mark.parametrize(
    "then",
    [
        line(1, "permission denied", "ERROR", vxid="3/1"),
        line(1, "terminating connection", "FATAL", vxid="3/1"),
        line(1, "statement: ROLLBACK", vxid="3/1"),
    ],
)
def test_a_transaction_that_ended_badly_is_marked(tmp_path: Path, then: str) -> None:
    log = logged(tmp_path, line(0, "statement: DROP TABLE x", vxid="3/1"), then)
    assert only(log).failed


def test_an_error_of_another_transaction_or_session_does_not_count(tmp_path: Path) -> None:
    log = logged(
        tmp_path,
        line(0, "statement: DROP TABLE x", vxid="3/1"),
        line(1, "no", "ERROR", vxid="3/1", session_id="6b0498af.2"),
        line(2, "no", "ERROR", vxid="3/2"),
    )
    assert not only(log).failed


@pytest.mark.parametrize(
    "message",
    [
        "statement: drop table x",
        "execute <unnamed>: drop table x",
        "execute s1: drop table x",
        "duration: 1.200 ms  statement: drop table x",
    ],
)
def test_every_way_a_statement_is_logged_is_read(tmp_path: Path, message: str) -> None:
    assert only(logged(tmp_path, line(0, message, vxid="3/1"))).text == "drop table x"


def test_sessions_that_were_ended_are_told_with_what_they_were_doing(tmp_path: Path) -> None:
    words = "terminating connection due to administrator command"
    log = logged(
        tmp_path,
        line(0, words, "FATAL", state_code="57P01", ps="idle in transaction", txid=806),
        line(1, words, "FATAL", state_code="57P01", ps="idle", txid=0),
    )
    assert [(cut.state, cut.transaction) for cut in log.cut_off] == [
        ("idle in transaction", 806),
        ("idle", None),
    ]


def test_a_log_that_is_cut_short_or_odd_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = line(0, "statement: drop table x", vxid="3/1")
    log = logged(tmp_path, "drop\n", '["drop","session_id"]\n', "{}\n", '{"session_id":"1"}\n',
                 whole, whole[:40])  # fmt: skip
    assert only(log).text == "drop table x"


def test_a_folder_that_is_not_there_holds_no_log(tmp_path: Path) -> None:
    assert read(tmp_path / "gone", START) == Log()


def test_a_log_that_cannot_be_read_stops_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "postgresql-2026-11-23.json").mkdir()
    with pytest.raises(StrongroomError, match="not known who did what"):
        read(tmp_path, START)


def test_logs_of_long_ago_are_not_read(tmp_path: Path) -> None:
    old = logged(tmp_path, line(0, "statement: drop table x", vxid="1/1"), day="2026-11-01")
    assert old.files == ()


def test_the_file_of_a_moment_is_none_when_it_begins_later(tmp_path: Path) -> None:
    log = logged(tmp_path, line(10, "hello"))
    assert log.file_of(START + timedelta(seconds=11)) == tmp_path / "postgresql-2026-11-23.json"
    assert log.file_of(START) is None
    assert log.file_of(START + timedelta(days=1)) is None


def test_who_was_there_leaves_out_who_came_later_or_had_left(tmp_path: Path) -> None:
    log = logged(
        tmp_path,
        line(0, "connection authorized", session_id="a.1"),
        line(0, "connection authorized", session_id="a.2", user="web"),
        line(1, "disconnection: session time: 1", session_id="a.1"),
        line(2, "statement: CREATE TABLE y ()", session_id="a.2", user="web"),
        line(3, "connection authorized", session_id="a.3", user="esra"),
        line(3, "replication", session_id="a.4", dbname="", backend_type="walsender"),
    )
    (there,) = present(log, START + timedelta(seconds=2.5))
    assert (there.session.role, there.statement) == ("web", "CREATE TABLE y ()")
    both = present(log, START + timedelta(seconds=0.5))
    assert {one.session.role for one in both} == {"ada", "web"}
    assert all(one.statement is None for one in both)
