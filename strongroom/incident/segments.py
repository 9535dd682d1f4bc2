"""Which WAL there is: segments of pg_wal and of the archive, put together."""

import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from strongroom.cluster.system_user import SystemUser
from strongroom.cluster.vault import SEGMENT
from strongroom.errors import StrongroomError

_EACH = 0x100000000 // SEGMENT
# XLogPageHeaderData: magic, info, timeline, address of the page (access/xlog_internal.h).
_HEADER = struct.Struct("=HHIQ")


@dataclass(frozen=True)
class Segment:
    """One file of WAL.

    Attributes:
        path: where it lies.
        timeline: of its name.
        number: its place in the WAL: its first LSN divided by the size of a segment.
        written: when it was last written to.
    """

    path: Path
    timeline: int
    number: int
    written: datetime

    @property
    def name(self) -> str:
        """Its name in pg_wal."""
        return segment_name(self.timeline, self.number)


@dataclass(frozen=True)
class Run:
    """Segments of one timeline without a gap, oldest first; at least one."""

    segments: tuple[Segment, ...]

    @property
    def timeline(self) -> int:
        """The timeline they are of."""
        return self.segments[0].timeline

    @property
    def start(self) -> int:
        """The first LSN, in bytes."""
        return self.segments[0].number * SEGMENT

    @property
    def end(self) -> int:
        """The LSN after the last one, in bytes."""
        return (self.segments[-1].number + 1) * SEGMENT

    @property
    def written(self) -> datetime:
        """When the last of them was written to."""
        return max(segment.written for segment in self.segments)

    def recent(self, since: datetime) -> int:
        """The LSN from which on it may tell of what happened after `since`, in bytes."""
        young = (each.number for each in self.segments if each.written >= since)
        first = next(young, self.segments[-1].number)
        return max(first - 1, self.segments[0].number) * SEGMENT


def runs(folders: Iterable[Path]) -> list[Run]:
    """All WAL in `folders`; a segment that is in several is taken from the first.

    Returns:
        the run that was written to last comes first.

    Raises:
        StrongroomError: a folder or segment cannot be read.
    """
    found: dict[tuple[int, int], Segment] = {}
    for folder in folders:
        for segment in _segments(folder):
            known = found.setdefault((segment.timeline, segment.number), segment)
            if known.path.suffix:  # an unfinished one is only as good as nothing better
                found[segment.timeline, segment.number] = segment
    together: list[list[Segment]] = []
    for key in sorted(found):
        before = together[-1][-1] if together else None
        if before and (before.timeline, before.number + 1) == key:
            together[-1].append(found[key])
        else:
            together.append([found[key]])
    made = [Run(tuple(each)) for each in together]
    return sorted(made, key=lambda run: (run.written, run.timeline, run.start), reverse=True)


def gaps(found: Iterable[Run]) -> list[tuple[str, str]]:
    """First and last name of the segments that are missing between runs of one timeline."""
    ordered = sorted(found, key=lambda run: (run.timeline, run.start))
    missing = []
    for before, after in pairwise(ordered):
        if before.timeline == after.timeline:
            first, last = before.segments[-1].number + 1, after.segments[0].number - 1
            missing.append(
                (segment_name(before.timeline, first), segment_name(before.timeline, last))
            )
    return missing


@contextmanager
def gathered(found: Sequence[Run], user: SystemUser) -> Iterator[Path]:
    """A folder in which all segments can be found under their names, for `user` to read.

    pg_waldump reads from one folder only, and half of a run may lie in the archive.
    """
    with tempfile.TemporaryDirectory(prefix="strongroom-wal-") as name:
        folder = Path(name)
        for run in found:
            for segment in run.segments:
                (folder / segment.name).symlink_to(segment.path)
        user.own(folder)
        yield folder


def segment_name(timeline: int, number: int) -> str:
    """What PostgreSQL calls a segment."""
    return f"{timeline:08X}{number // _EACH:08X}{number % _EACH:08X}"


def _segments(folder: Path) -> Iterator[Segment]:
    try:
        # A server that was promoted leaves the unfinished end of the old timeline under this name.
        paths = sorted(path for path in folder.iterdir() if len(path.name.split(".")[0]) == 24)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(folder, error) from error
    for path in paths:
        segment = _segment(path)
        if segment is not None:
            yield segment


def _segment(path: Path) -> Segment | None:
    """The segment in `path`; None for another file, and for one that was only made ready.

    PostgreSQL gives old segments the names of future ones, so the name alone proves nothing.
    """
    stem, _, suffix = path.name.partition(".")
    try:
        timeline, high, low = (int(stem[at : at + 8], 16) for at in (0, 8, 16))
        with path.open("rb") as file:
            _, _, _, address = _HEADER.unpack(file.read(_HEADER.size))
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        size = path.stat().st_size
    except (ValueError, struct.error, FileNotFoundError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    number = high * _EACH + low
    fits = address == number * SEGMENT and size == SEGMENT
    return Segment(path, timeline, number, written) if fits and suffix in ("", "partial") else None


def _unreadable(path: Path, error: OSError) -> StrongroomError:
    return StrongroomError(
        f"{path} cannot be read ({error.strerror}), so the WAL does not tell what happened. Run "
        "this as the user who made the stack."
    )
