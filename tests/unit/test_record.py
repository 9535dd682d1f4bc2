"""The record of break-glasses: what is written, and what shows when it was tampered with."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strongroom.breakglass.glass import Glass, Kind
from strongroom.breakglass.record import BEGINNING, Entry, Event, Record
from strongroom.breakglass.verifying import verify
from strongroom.errors import StrongroomError

GLASS = Glass(
    "0badcafe",
    Kind.ROOT,
    "chiara",
    "ada",
    "the index is corrupt",
    "INC-42",
    datetime(2026, 11, 23, 10, 30, tzinfo=UTC),
)


def log_line(entry: Entry, user: str = "root", **changes: str) -> str:
    """What the server writes for an anchor."""
    told = f"break-glass record: entry {entry.seq} is {entry.hash}"
    stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}.123 UTC"
    line = {"timestamp": stamp, "user": user, "error_severity": "LOG", "message": told}
    return json.dumps({**line, **changes}) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The server's log, which goes back to an hour ago."""
    path = tmp_path / "primary" / "log" / "postgresql-2026-11-23.json"
    path.parent.mkdir(parents=True)
    start = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%d %H:%M:%S}.000 UTC"
    path.write_text(json.dumps({"timestamp": start, "message": "ready"}) + "\n")
    return path


@pytest.fixture
def record(tmp_path: Path, log: Path) -> Record:
    """Five entries, each anchored."""
    made = Record(tmp_path)
    write(made, log, 5)
    return made


def write(record: Record, log: Path, count: int) -> None:
    events = [Event.OPENED, Event.ROTATED, Event.CLOSED] * 2
    for event in events[:count]:
        with record.writing() as writer:
            entry = writer.append(event, GLASS, "left" if event is Event.CLOSED else "")
        with log.open("a") as lines:
            lines.write(log_line(entry))


def problems(record: Record) -> tuple[str, ...]:
    return verify(record.folder).problems


def tamper(record: Record, change: Callable[[list[str]], list[str]]) -> None:
    lines = record.path.read_text().splitlines()
    record.path.write_text("".join(f"{line}\n" for line in change(lines)))


def sealed(entry: Entry) -> Entry:
    return replace(entry, hash=entry.computed_hash)


def test_a_record_as_it_was_written_has_no_problems(record: Record) -> None:
    assert verify(record.folder).problems == ()
    assert verify(record.folder).notes == ()
    entries = record.entries()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].previous == BEGINNING
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert record.path.stat().st_mode & 0o777 == 0o600


def test_what_was_opened_and_not_closed_is_unfinished(record: Record) -> None:
    with record.writing() as writer:
        writer.append(Event.OPENED, replace(GLASS, id="12345678"))
    # 0badcafe was closed once, which ends it however often it was opened.
    assert [glass.id for glass in record.unfinished()] == ["12345678"]
    assert record.unfinished()[0] == replace(GLASS, id="12345678")


@pytest.mark.parametrize(
    ("field", "value"), [("who", "dmitri"), ("at", "2020-01-01T00:00:00+00:00"), ("reason", "")]
)
def test_an_edited_entry_is_found(record: Record, field: str, value: str) -> None:
    def edit(lines: list[str]) -> list[str]:
        content = {**json.loads(lines[1]), field: value}
        return [lines[0], json.dumps(content), *lines[2:]]

    tamper(record, edit)
    assert problems(record) == ("entry 2 was edited: its hash is not that of what it says",)


def test_an_edited_entry_with_a_hash_that_fits_is_found(record: Record) -> None:
    def edit(lines: list[str]) -> list[str]:
        entry = sealed(replace(record.entries()[1], who="dmitri"))
        return [lines[0], entry.line(), *lines[2:]]

    tamper(record, edit)
    assert any("entry 2 is not the one that entry 3 was chained to" in p for p in problems(record))


def test_a_last_entry_edited_with_a_hash_that_fits_is_found_by_its_anchor(record: Record) -> None:
    tamper(
        record,
        lambda lines: [*lines[:-1], sealed(replace(record.entries()[-1], who="dmitri")).line()],
    )
    (problem,) = problems(record)
    assert problem.startswith("entry 5 was rewritten: postgresql-2026-11-23.json has known")


def test_a_line_that_reads_the_same_and_is_not_is_found(record: Record) -> None:
    tamper(record, lambda lines: [lines[0].replace('"who"', '"who": "eve", "who"'), *lines[1:]])
    assert problems(record)[0] == "line 1 is no entry as Strongroom writes it: it was edited"


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ([0, 2, 3, 4], "entry 2 is missing"),
        ([0, 3, 4], "entries 2 to 3 are missing"),
        ([1, 2, 3, 4], "entry 1 is missing at the beginning"),
        ([0, 2, 1, 3, 4], "entry 2 stands after entry 3"),
        ([0, 1, 1, 2, 3, 4], "entry 2 stands after entry 2"),
    ],
)
def test_removed_and_moved_entries_are_found(record: Record, kept: list[int], said: str) -> None:
    tamper(record, lambda lines: [lines[number] for number in kept])
    assert any(said in problem for problem in problems(record)), problems(record)


@pytest.mark.parametrize("left", [0, 3, 4])
def test_a_cut_end_is_found_by_its_anchors(record: Record, left: int) -> None:
    tamper(record, lambda lines: lines[:left])
    assert f"the record was cut off after entry {left}" in problems(record)[-1]
    assert "has known entry 5 since" in problems(record)[-1]


def test_a_record_that_was_removed_is_found(record: Record) -> None:
    record.path.unlink()
    assert len(problems(record)) == 5


def test_a_chain_rewritten_as_a_whole_is_found(record: Record, log: Path) -> None:
    anchored = log.read_text()
    record.path.unlink()
    write(record, log, 5)
    tamper(record, lambda lines: [line.replace("chiara", "dmitri") for line in lines])
    entries, previous = [], BEGINNING
    for line in record.path.read_text().splitlines():
        entry = sealed(replace(Entry(**json.loads(line)), previous=previous))
        entries.append(entry.line())
        previous = entry.hash
    log.write_text(anchored)
    tamper(record, lambda _: entries)
    assert len(problems(record)) == 5
    assert all("was rewritten" in problem for problem in problems(record))


def test_anchors_of_anybody_but_root_and_the_provisioner_are_not_believed(
    record: Record, log: Path
) -> None:
    forged = replace(record.entries()[-1], seq=6, hash="0" * 64)
    with log.open("a") as lines:
        lines.write(log_line(forged, user="dmitri"))
        lines.write(log_line(forged, error_severity="NOTICE"))
        told = f"statement: DO 'break-glass record: entry 6 is {forged.hash}'"
        lines.write(log_line(forged, message=told))
        lines.write("break-glass record: entry 6 is no JSON\n")
    assert problems(record) == ()
    with log.open("a") as lines:
        lines.write(log_line(forged, user="provisioner"))
    assert len(problems(record)) == 1


def test_an_end_that_was_cut_short_in_writing_is_no_tampering_and_the_record_goes_on(
    record: Record, log: Path
) -> None:
    with record.writing() as writer:
        writer.append(Event.CLOSED, GLASS, "left")
    os.truncate(record.path, record.path.stat().st_size - 20)
    verdict = verify(record.folder)
    assert verdict.problems == ()
    assert "line 6 is only a beginning" in verdict.notes[0]
    with record.writing() as writer:
        entry = writer.append(Event.CLOSED, GLASS, "left")
    assert (entry.seq, bool(entry.torn)) == (6, True)
    assert problems(record) == ()
    # The beginning is part of what is told apart from now on.
    tamper(record, lambda lines: [*lines[:5], lines[5] + "x", *lines[6:]])
    assert problems(record) == ("line 6 is no entry as Strongroom writes it: it was edited",)


def test_a_cut_in_the_middle_of_an_anchored_entry_is_tampering(record: Record) -> None:
    os.truncate(record.path, record.path.stat().st_size - 20)
    assert "the record was cut off after entry 4" in problems(record)[-1]


def test_an_entry_that_lacks_only_its_line_end_counts(record: Record) -> None:
    os.truncate(record.path, record.path.stat().st_size - 1)
    assert problems(record) == ()
    with record.writing() as writer:
        assert writer.append(Event.CLOSED, GLASS).torn == ""
    assert problems(record) == ()
    assert len(record.entries()) == 6


def test_it_says_so_when_the_log_was_rotated_away(record: Record, log: Path) -> None:
    log.unlink()
    verdict = verify(record.folder)
    assert verdict.problems == ()
    assert verdict.notes[0].startswith("entries 1 to 5 are in no log any more: the server's log is")
    later = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d %H:%M:%S}.000 UTC"
    log.write_text(json.dumps({"timestamp": later, "message": "ready"}) + "\n")
    assert "the server's log begins at" in verify(record.folder).notes[0]


def test_it_says_so_when_an_entry_was_never_anchored(record: Record) -> None:
    with record.writing() as writer:
        writer.append(Event.CLOSED, GLASS, "left")
    verdict = verify(record.folder)
    assert verdict.problems == ()
    assert verdict.notes[0].startswith("entry 6 is in no log: the server was not there")


def test_a_record_that_cannot_be_written_stops_what_would_follow(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.path.mkdir()
    with (
        pytest.raises(StrongroomError, match=r"cannot be read|could not be written"),
        record.writing() as writer,
    ):
        writer.append(Event.OPENED, GLASS)


def test_entries_hold_who_and_where_and_nothing_else(record: Record) -> None:
    entry = asdict(record.entries()[0])
    told = {"event": "opened", "kind": "root", "who": "chiara", "approver": "ada", "seq": 1}
    assert entry.items() >= told.items()
    assert entry["until"] == "2026-11-23T10:30:00+00:00"
    assert entry["os_user"]


def test_who_is_behind_sudo_is_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "chiara")
    with Record(tmp_path).writing() as writer:
        assert writer.append(Event.OPENED, GLASS).os_user.endswith(" (sudo by chiara)")


def test_the_name_of_a_session_fits_and_ends_with_the_id() -> None:
    long = replace(GLASS, who="x" * 63, ticket="Ünicode-" + "9" * 100)
    for glass in (GLASS, long):
        name = glass.application_name
        assert name.endswith(" 0badcafe")
        assert len(name.encode()) <= 63
    assert GLASS.application_name == "break-glass chiara INC-42 0badcafe"
