"""The WAL within reach of a recovery: which segments there are, and where in it a time lies."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from strongroom.cluster.package import ServerPackage
from strongroom.cluster.system_user import SystemUser
from strongroom.cluster.vault import SEGMENT, position
from strongroom.errors import StrongroomError
from strongroom.incident.segments import Run, gathered, runs, segment_name
from strongroom.incident.waldump import Dump, Finish, finish, lsn

# How much further back a search for a commit goes each time it found none: 128 MB.
_STRIDE = 8 * SEGMENT


@dataclass(frozen=True)
class Stretch:
    """A timeline from where it begins; LSNs in bytes."""

    timeline: int
    begin: int


@dataclass(frozen=True)
class Later:
    """What was committed after a point: how many transactions, the first and the last (UTC)."""

    count: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class Wal:
    """All WAL within reach that leads to the end of one timeline.

    Attributes:
        folders: where segments lie; asked in this order.
        found: the segments, in runs without a gap.
        lineage: the timelines that lead there, oldest first.
        package: its pg_waldump reads them.
        user: who runs that.
    """

    folders: tuple[Path, ...]
    found: tuple[Run, ...]
    lineage: tuple[Stretch, ...]
    package: ServerPackage
    user: SystemUser

    @classmethod
    def within(
        cls, folders: Iterable[Path], timeline: int | None, package: ServerPackage, user: SystemUser
    ) -> "Wal":
        """Look into `folders`; without a timeline the newest one there is taken."""
        there = tuple(folder for folder in folders if folder.is_dir())
        found = tuple(runs(there))
        newest = max((run.timeline for run in found), default=1)
        return cls(there, found, _lineage(there, timeline or newest), package, user)

    @property
    def timeline(self) -> int:
        """The timeline whose end it leads to."""
        return self.lineage[-1].timeline

    @property
    def end(self) -> int:
        """The LSN behind the last segment of the timeline (bytes); 0 when there is none."""
        mine = [run.end for run in self.found if run.timeline == self.timeline]
        return max(mine, default=0)

    def restore_command(self) -> str:
        """How a recovering server fetches a segment: from the first folder that has it."""
        quoted = " ".join(shlex.quote(str(folder)).replace("%", "%%") for folder in self.folders)
        each = '[ -f "$d/%f" ] && exec cp "$d/%f" "%p"'
        return f"for d in {quoted}; do {each}; done; exit 1"

    def missing(self, start: str, end: str) -> list[str]:
        """Names of the segments between two LSNs, both included, that are nowhere."""
        held = {each.name for run in self.found for each in run.segments if not each.path.suffix}
        wanted = range(position(start) // SEGMENT, position(end) // SEGMENT + 1)
        lacking = [number for number in wanted if not held.intersection(self._names(number))]
        return [self._names(number)[0] for number in lacking]

    def last_before(self, segment: str) -> str | None:
        """The LSN of the last record that is whole before a missing segment; None without one."""
        timeline, end = int(segment[:8], 16), _first_byte(segment)
        with self._dump(timeline, end - 1) as dump:
            found = dump.records(end - SEGMENT, end) if dump else iter(())
            last = None
            for record in found:
                last = record.lsn
        return lsn(last) if last is not None else None

    def first_from(self, point: str) -> str | None:
        """The LSN of the first record at or after a point; None when there is none."""
        at = position(point)
        with self._dump(self._of(at).timeline, at) as dump:
            records = dump.records(at, self.end) if dump else iter(())
            return next((lsn(record.lsn) for record in records), None)

    def later(self, point: str) -> Later:
        """What was committed from an LSN on."""
        times = [done.time for done in self._finishes(position(point)) if done.committed]
        return Later(len(times), min(times, default=None), max(times, default=None))

    def before(self, time: datetime) -> str:
        """The LSN of the record after the last commit that was not after `time`.

        Recovery that stops there, not inclusive, has everything committed by then, and nothing of
        what came after: not even the first steps of a DROP DATABASE, which need no commit.

        Raises:
            StrongroomError: nothing was committed after that time, or nothing before it is left.
        """
        start = min((run.recent(time) for run in self._mine()), default=self.end)
        oldest = min((run.start for run in self._mine()), default=self.end)
        while True:
            last, later = self._around(start, time)
            if last is not None or start <= oldest:
                break
            start = max(start - _STRIDE, oldest)
        if later is None or last is None:
            side = "after" if later is None else "at or before"
            raise StrongroomError(
                f"The WAL within reach holds no commit {side} {time.isoformat()}, so there is no "
                "such point to go back to and nothing was changed. Give a time between two "
                "commits or an LSN; `--to end` recovers everything there is."
            )
        return self.first_from(lsn(last.lsn + 1)) or lsn(last.lsn + 1)

    @contextmanager
    def leading_to(self, point: int) -> Iterator[tuple[Dump, int] | None]:
        """The WAL right before an LSN (bytes), laid out for pg_waldump, and where it begins.

        None where there is no such WAL.
        """
        stretch = self._of(point - 1)
        with self._dump(stretch.timeline, point - 1) as dump:
            mine = (run for run in self.found if run.timeline == stretch.timeline)
            start = next((run.start for run in mine if run.start < point <= run.end), None)
            yield None if dump is None or start is None else (dump, max(start, stretch.begin))

    def _around(self, start: int, time: datetime) -> tuple[Finish | None, Finish | None]:
        """The last commit from `start` on that is not after `time`, and the first that is."""
        last = None
        for done in self._finishes(start):
            if not done.committed:
                continue
            if done.time > time:
                return last, done
            last = done
        return last, None

    def _finishes(self, start: int) -> Iterator[Finish]:
        """Ends of transactions from an LSN (bytes) on, along the timelines."""
        ends = [*(after.begin for _, after in pairwise(self.lineage)), self.end]
        for stretch, end in zip(self.lineage, ends, strict=True):
            begin = max(start, stretch.begin)
            if begin >= end:
                continue
            with self._dump(stretch.timeline, begin) as dump:
                records = dump.records(begin, end, "--rmgr=Transaction") if dump else iter(())
                yield from (done for record in records if (done := finish(record)))

    @contextmanager
    def _dump(self, timeline: int, at: int) -> Iterator[Dump | None]:
        """The run that holds an LSN, laid out for pg_waldump; None where there is no such run."""
        mine = (run for run in self.found if run.timeline == timeline)
        run = next((run for run in mine if run.start <= at < run.end), None)
        if run is None:
            yield None
            return
        with gathered([run], self.user) as folder:
            yield Dump(self.package.tool("pg_waldump"), self.user, folder, timeline, run.end)

    def _mine(self) -> Sequence[Run]:
        known = {stretch.timeline for stretch in self.lineage}
        return [run for run in self.found if run.timeline in known]

    def _of(self, at: int) -> Stretch:
        return next(stretch for stretch in reversed(self.lineage) if stretch.begin <= at)

    def _names(self, number: int) -> list[str]:
        """What a segment can be called, the newest timeline first, as PostgreSQL asks for it."""
        ends = [*(after.begin for _, after in pairwise(self.lineage)), None]
        may = [
            stretch.timeline
            for stretch, end in zip(self.lineage, ends, strict=True)
            if stretch.begin // SEGMENT <= number and (end is None or number <= end // SEGMENT)
        ]
        return [segment_name(timeline, number) for timeline in reversed(may)]


def _lineage(folders: Iterable[Path], timeline: int) -> tuple[Stretch, ...]:
    """Where each timeline on the way begins, as PostgreSQL's history file tells it."""
    paths = [folder / f"{timeline:08X}.history" for folder in folders]
    text = next((path.read_text() for path in paths if path.exists()), "")
    begin, found = 0, []
    for line in text.splitlines():
        parts = line.split("#")[0].split()
        if len(parts) >= 2:
            found.append(Stretch(int(parts[0]), begin))
            begin = position(parts[1])
    return (*found, Stretch(timeline, begin))


def _first_byte(segment: str) -> int:
    each = 0x100000000 // SEGMENT
    return (int(segment[8:16], 16) * each + int(segment[16:], 16)) * SEGMENT
