"""Which segments a recovery finds, along which timelines, and how a server fetches them."""

import struct
import subprocess
from pathlib import Path

import pytest

from strongroom.cluster.package import ServerPackage
from strongroom.cluster.system_user import SystemUser
from strongroom.cluster.vault import SEGMENT
from strongroom.recovery.wal import Stretch, Wal


def _segment(folder: Path, timeline: int, number: int, suffix: str = "") -> None:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{timeline:08X}00000000{number:08X}{suffix}"
    with path.open("wb") as file:
        file.write(struct.pack("=HHIQ", 0xD116, 2, timeline, number * SEGMENT))
        file.truncate(SEGMENT)


def _wal(*folders: Path, timeline: int | None = None) -> Wal:
    package = ServerPackage(Path("/nowhere"), "17.10")
    return Wal.within(folders, timeline, package, SystemUser.current())


def test_segments_of_all_folders_together_are_without_a_gap(tmp_path: Path) -> None:
    archive, own = tmp_path / "archive", tmp_path / "pg_wal"
    for number in (2, 3):
        _segment(archive, 1, number)
    for number in (4, 5):
        _segment(own, 1, number)
    wal = _wal(archive, tmp_path / "absent", own)
    assert wal.missing("0/2000028", "0/5FFFFFF") == []
    assert wal.missing("0/2000028", "0/7000000") == [
        "000000010000000000000006",
        "000000010000000000000007",
    ]
    assert wal.end == 6 * SEGMENT


def test_a_file_that_was_only_made_ready_or_is_not_finished_does_not_count(
    tmp_path: Path,
) -> None:
    _segment(tmp_path, 1, 2)
    _segment(tmp_path, 1, 4, ".partial")
    # PostgreSQL names old segments for future use: what is inside tells.
    recycled = tmp_path / "000000010000000000000003"
    recycled.write_bytes((tmp_path / "000000010000000000000002").read_bytes())
    assert _wal(tmp_path, timeline=1).missing("0/2000000", "0/4000000") == [
        "000000010000000000000003",
        "000000010000000000000004",
    ]


def test_a_history_file_tells_where_each_timeline_begins(tmp_path: Path) -> None:
    (tmp_path / "00000003.history").write_text(
        "1\t0/3000148\tbefore 0/3000148\n\n2\t0/5000000\tno recovery target specified # a note\n"
    )
    for timeline, number in ((1, 2), (2, 3), (2, 4), (3, 5)):
        _segment(tmp_path, timeline, number)
    wal = _wal(tmp_path)
    assert wal.timeline == 3
    assert wal.lineage == (
        Stretch(1, 0),
        Stretch(2, 3 * SEGMENT + 0x148),
        Stretch(3, 5 * SEGMENT),
    )
    assert wal.missing("0/2000000", "0/5000000") == []
    # The segment in which a timeline begins may be that of either.
    (tmp_path / "000000020000000000000003").unlink()
    _segment(tmp_path, 1, 3)
    assert _wal(tmp_path).missing("0/2000000", "0/5000000") == []
    # One of a past that was left behind before it is not.
    (tmp_path / "000000020000000000000004").unlink()
    _segment(tmp_path, 1, 4)
    assert _wal(tmp_path).missing("0/2000000", "0/5000000") == ["000000020000000000000004"]


@pytest.mark.parametrize("odd", ["plain", "with space", "it's", "100%", "$HOME", "a;b"])
def test_a_server_fetches_a_segment_from_the_first_folder_that_has_it(
    tmp_path: Path, odd: str
) -> None:
    first, second = tmp_path / odd, tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (second / "A").write_text("second")
    (second / "B").write_text("second")
    (first / "B").write_text("first")
    command = _wal(first, second).restore_command()
    for name, said in (("A", "second"), ("B", "first")):
        assert _run(command, name, tmp_path / "got") == 0
        assert (tmp_path / "got").read_text() == said
    assert _run(command, "C", tmp_path / "none") == 1
    assert not (tmp_path / "none").exists()


def _run(command: str, name: str, target: Path) -> int:
    """As the server does: %f and %p are filled in, %% is a percent sign."""
    parts = [part.replace("%f", name).replace("%p", str(target)) for part in command.split("%%")]
    return subprocess.run(["sh", "-c", "%".join(parts)], check=False).returncode
