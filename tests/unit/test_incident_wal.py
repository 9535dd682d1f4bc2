"""Segments put together, and what a transaction's records say it did."""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strongroom.cluster.vault import SEGMENT
from strongroom.incident import segments
from strongroom.incident.events import Kind
from strongroom.incident.transactions import Catalogs, database_of, deeds
from strongroom.incident.waldump import Record, finish, lsn

NOW = datetime.now(UTC)


def segment(folder: Path, number: int, timeline: int = 1, name: str = "") -> Path:
    """A file that passes for a segment."""
    folder.mkdir(exist_ok=True)
    path = folder / (name or segments.segment_name(timeline, number))
    with path.open("wb") as file:
        file.write(struct.pack("=HHIQ", 0xD116, 2, timeline, number * SEGMENT))
        file.truncate(SEGMENT)
    return path


def numbers(run: segments.Run) -> list[int]:
    return [each.number for each in run.segments]


def test_archive_and_pg_wal_make_one_run(tmp_path: Path) -> None:
    archive, pg_wal = tmp_path / "archive", tmp_path / "pg_wal"
    for number in (254, 255, 256):
        segment(archive, number)
    for number in (256, 257):
        segment(pg_wal, number)
    (run,) = segments.runs([archive, pg_wal])
    assert numbers(run) == [254, 255, 256, 257]
    assert run.segments[2].path.parent == archive
    assert run.segments[2].name == "000000010000000100000000"
    assert (run.start, run.end) == (254 * SEGMENT, 258 * SEGMENT)


def test_a_gap_is_named_by_what_is_missing(tmp_path: Path) -> None:
    for number in (1, 2, 5):
        segment(tmp_path / "wal", number)
    found = segments.runs([tmp_path / "wal"])
    assert sorted(numbers(run) for run in found) == [[1, 2], [5]]
    assert segments.gaps(found) == [("000000010000000000000003", "000000010000000000000004")]


def test_a_new_timeline_is_no_gap(tmp_path: Path) -> None:
    segment(tmp_path / "wal", 3)
    segment(tmp_path / "wal", 5, timeline=2)
    found = segments.runs([tmp_path / "wal"])
    assert {run.timeline for run in found} == {1, 2}
    assert segments.gaps(found) == []


def test_what_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    wal = tmp_path / "wal"
    segment(wal, 7)
    # Old segments under the names of future ones, which PostgreSQL keeps ready.
    segment(wal, 7, name=segments.segment_name(1, 9))
    (wal / segments.segment_name(1, 8)).write_bytes(b"\0" * 100)
    (wal / "00000002.history").write_text("1\t0/1\n")
    (wal / f"{segments.segment_name(1, 7)}.00000028.backup").write_text("")
    (wal / ("Z" * 24)).write_text("")
    (wal / "archive_status").mkdir()
    (run,) = segments.runs([wal, tmp_path / "gone"])
    assert numbers(run) == [7]


def test_the_unfinished_end_of_an_old_timeline_is_read_too(tmp_path: Path) -> None:
    segment(tmp_path / "wal", 4, name=f"{segments.segment_name(1, 4)}.partial")
    (run,) = segments.runs([tmp_path / "wal"])
    assert run.segments[0].name == segments.segment_name(1, 4)


def test_a_whole_segment_is_preferred_to_an_unfinished_one(tmp_path: Path) -> None:
    segment(tmp_path / "archive", 4, name=f"{segments.segment_name(1, 4)}.partial")
    whole = segment(tmp_path / "pg_wal", 4)
    (run,) = segments.runs([tmp_path / "archive", tmp_path / "pg_wal"])
    assert run.segments[0].path == whole


def test_only_segments_that_are_young_enough_are_searched(tmp_path: Path) -> None:
    for number in range(1, 6):
        segment(tmp_path / "wal", number)
    (run,) = segments.runs([tmp_path / "wal"])
    hour = timedelta(hours=1)
    assert run.recent(NOW - hour) == SEGMENT
    # The one before the last may still be begun in the time that is asked for.
    assert run.recent(NOW + hour) == 4 * SEGMENT


def records(*lines: str) -> list[Record]:
    parted = (line.partition(" ") for line in lines)
    return [Record(manager, 800, 0, text) for manager, _, text in parted]


_LOCK = "Standby LOCK xid 800 db 16384 rel 16490"
_CREATE = "Storage CREATE base/16384/16504"
_SWAP = (
    "Heap UPDATE old_xmax: 800, old_off: 9, old_infobits: [], new_xmax: 0, new_off: 25, "
    "blkref #0: rel 1663/16384/1259 blk 7, blkref #1: rel 1663/16384/1259 blk 6"
)
_FILL = "Heap INSERT+INIT off: 1, flags: 0x00, blkref #0: rel 1663/16384/16504 blk 0"
_BUILD = "XLOG FPI , blkref #0: rel 1663/16384/16504 blk 0 FPW"


def _row(verb: str, catalog: int, off: int) -> str:
    return f"Heap {verb} off: {off}, flags: 0x00, blkref #0: rel 1663/16384/{catalog} blk 7"


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([_LOCK, _CREATE, _SWAP], Kind.TRUNCATE),
        ([_LOCK, _CREATE, _SWAP, _FILL], Kind.TRUNCATE),
        ([_LOCK, _CREATE, _SWAP, _BUILD], None),
        ([_LOCK, _CREATE, _BUILD, _SWAP], None),
        ([_LOCK, _row("DELETE", 1259, 3), _row("DELETE", 1247, 4)], Kind.TABLE),
        ([_LOCK, _row("DELETE", 1259, 3)], None),
        ([_row("DELETE", 1259, 3), _row("DELETE", 1247, 4), _row("DELETE", 2615, 5)], Kind.SCHEMA),
        (
            [
                *(_CREATE, _row("INSERT", 1247, 4), _row("INSERT", 1259, 3)),
                *(_row("DELETE", 1259, 3), _row("DELETE", 1247, 4)),
            ],
            None,
        ),
        ([], None),
    ],
    ids=[
        "truncate", "truncate and load", "index built after", "table copied before", "drop table",
        "drop index", "drop schema", "made and dropped", "nothing",
    ],
)  # fmt: skip
def test_what_was_done_is_told_from_the_life_of_the_catalogs_rows(
    lines: list[str], kind: Kind | None
) -> None:
    assert deeds(records(*lines), Catalogs()).kind is kind


def test_the_files_of_catalogs_are_read_from_the_databases_map(tmp_path: Path) -> None:
    folder = tmp_path / "base" / "16384"
    folder.mkdir(parents=True)
    pairs = struct.pack("=IIII", 1259, 17000, 1247, 17010)
    (folder / "pg_filenode.map").write_bytes(struct.pack("=II", 0x592717, 2) + pairs + b"\0" * 500)
    assert Catalogs.of(tmp_path, 16384) == Catalogs(17000, 17010)
    assert Catalogs.of(tmp_path, 5) == Catalogs()
    (folder / "pg_filenode.map").write_bytes(b"broken")
    assert Catalogs.of(tmp_path, 16384) == Catalogs()


def test_a_commit_is_read_with_its_parts_and_its_files() -> None:
    text = (
        "COMMIT 2026-11-23 19:52:12.194564 UTC; rels: base/16384/16488 pg_tblspc/1/PG_17/5/7; "
        "subxacts: 804 805; inval msgs: catcache 55"
    )
    done = finish(Record("Transaction", 803, 77, text))
    assert done is not None
    assert done.committed
    assert done.ids == {803, 804, 805}
    assert done.files == ("base/16384/16488", "pg_tblspc/1/PG_17/5/7")
    assert done.time == datetime(2026, 11, 23, 19, 52, 12, 194564, tzinfo=UTC)
    assert [database_of(file) for file in done.files] == [16384, 5]


def test_an_abort_is_no_commit_and_other_records_are_no_end() -> None:
    ended = finish(Record("Transaction", 1, 0, "ABORT 2026-11-23 19:52:12.194564 UTC"))
    assert ended is not None
    assert not ended.committed
    assert finish(Record("Transaction", 1, 0, "ASSIGNMENT xtop 1: subxacts: 2")) is None


def test_an_lsn_is_printed_as_postgresql_does() -> None:
    assert lsn(0x1_0000_00AB) == "1/AB"
    assert lsn(0x1C130C0) == "0/1C130C0"
