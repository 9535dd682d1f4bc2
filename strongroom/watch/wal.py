"""Where in the WAL to read on: in pg_wal, in the archive where that is gone, on a new timeline."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import system_identifier
from strongroom.cluster.vault import SEGMENT, Vault
from strongroom.errors import StrongroomError
from strongroom.incident import segments
from strongroom.incident.segments import Run
from strongroom.incident.wal import Deed, Search
from strongroom.incident.waldump import Dump, lsn
from strongroom.watch.transactions import Seen

#: Segments before the end of a transaction in which its work is looked for.
_REACH = 33


@dataclass(frozen=True)
class Point:
    """A place in the WAL; `lsn` in bytes."""

    timeline: int
    lsn: int

    def __str__(self) -> str:
        return f"{lsn(self.lsn)} on timeline {self.timeline}"


@dataclass(frozen=True)
class Wal:
    """The WAL of one server.

    Attributes:
        cluster: the server; it may be stopped.
        vault: where its WAL is archived.
        least: deleted rows that are a mass delete.
    """

    cluster: Cluster
    vault: Vault
    least: int

    def end(self) -> Point | None:
        """Where the WAL ends now; None when there is none."""
        found = segments.runs([self._own])
        if not found:
            return None
        with self._searching(found[0]) as search:
            last = found[0].segments[-1].number * SEGMENT
            read = search.dump.statistics(last, search.run.end)
            return Point(found[0].timeline, read.end if read else last)

    def schemas(self, since: datetime, is_said: Callable[[Deed], bool]) -> list[Seen]:
        """Dropped schemas, also those without tables, that a statement explains."""
        found = segments.runs([self._own])
        if not found:
            return []
        with self._searching(found[0]) as search:
            drops = (deed for deed in search.schemas(since) if deed.time >= since)
            return [Seen(deed, deed.stop) for deed in drops if is_said(deed)]

    @contextmanager
    def following(self, point: Point) -> Iterator[tuple[Search, Point] | None]:
        """What can be read from a point on, and where that begins; None when nothing is new.

        It begins later than the point when the WAL between is gone, and on the newest timeline
        when the point's own has been read to its end.
        """
        found = segments.runs([self._own])
        if not found or (found[0].timeline, found[0].end) == (point.timeline, point.lsn):
            yield None
            return
        newest = found[0].timeline
        run = _holding(found, point)
        if run is None or (newest != point.timeline and not self._goes_on(run, point)):
            found = segments.runs([*self._archive(), self._own])
            run = _holding(found, point)
            if run is None or not self._goes_on(run, point):
                # What has happened on the newest timeline counts, from the oldest there is of it.
                later = [one for one in found if one.timeline == newest]
                behind = [one for one in later if one.start > point.lsn]
                ahead = behind if newest == point.timeline else later
                run = min(ahead, key=lambda one: one.start, default=None)
                point = Point(newest, run.start if run else point.lsn)
        if run is None:
            yield None
            return
        with self._searching(run, point.lsn) as search:
            yield search, point

    def _goes_on(self, run: Run, point: Point) -> bool:
        with self._searching(run, point.lsn) as search:
            return search.dump.statistics(point.lsn, run.end) is not None

    @contextmanager
    def _searching(self, run: Run, at: int | None = None) -> Iterator[Search]:
        """A search of a run, or of what a transaction that ends behind `at` can need of it."""
        # pg_waldump gives up on a folder in which a segment was only made ready, so not pg_wal.
        needed = tuple(
            one for one in run.segments if at is None or one.number > at // SEGMENT - _REACH
        )
        run = Run(needed)
        with segments.gathered([run], self.cluster.user) as folder:
            tool = self.cluster.package.tool("pg_waldump")
            dump = Dump(tool, self.cluster.user, folder, run.timeline, run.end)
            yield Search(dump, run, self.cluster.data, self.least)

    @property
    def _own(self) -> Path:
        return self.cluster.data / "pg_wal"

    def _archive(self) -> list[Path]:
        try:
            return [self.vault.wal(system_identifier(self.cluster))]
        except StrongroomError:
            return []


def _holding(found: Sequence[Run], point: Point) -> Run | None:
    """The run in which a point lies, with something behind it."""
    for run in found:
        if run.timeline == point.timeline and run.start <= point.lsn < run.end:
            return run
    return None
