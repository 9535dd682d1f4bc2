"""Note what a point cuts off, while the data that was recovered is as it was at that point."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.vault import SEGMENT, position
from strongroom.errors import StrongroomError
from strongroom.incident import log as logs
from strongroom.incident.log import Log
from strongroom.incident.waldump import Dump, Finish, lsn
from strongroom.reconcile import sessions
from strongroom.reconcile.parts import joined, parents
from strongroom.reconcile.remains import End, Idle, Remains, Touched, Transaction
from strongroom.reconcile.sessions import Told
from strongroom.reconcile.touching import Server, Touching
from strongroom.reconcile.traces import Trace
from strongroom.reconcile.tracing import Traces, trace, within
from strongroom.recovery.situation import Situation

#: For how many seconds before a point committed transactions are noted.
WINDOW = 60
# How far back the WAL is read for that at most, and for what a transaction did that is still
# open: 32 MB and 128 MB, which takes a second or two on two cores.
_WINDOW_BYTES, _REACH = 2 * SEGMENT, 8 * SEGMENT
# How long before a point sessions may have been ended to make way for what came.
_MADE_WAY = timedelta(seconds=10)


@dataclass(frozen=True)
class Scope:
    """What is spoken of.

    Attributes:
        database: only this one; None for all.
        tables: only these tables of it, with their schema; all when empty.
    """

    database: str | None
    tables: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.tables:
            return f"{', '.join(self.tables)} in {self.database}"
        return f"database {self.database}" if self.database else "all databases"


@dataclass(frozen=True)
class Noting:
    """One look at what lies before a point.

    Attributes:
        situation: the stack.
        lsn: the point: what begins there is not part of what is kept.
        scope: what is spoken of.
        reason: what makes it the point; may be empty.
    """

    situation: Situation
    lsn: str
    scope: Scope
    reason: str = ""

    def remains(self, server: Server | None) -> Remains:
        """What the point cuts off, and what was committed just before it.

        Args:
            server: holds the data as it was at the point, or at least its names; None for none.

        Raises:
            StrongroomError: a log or a segment of WAL that is there cannot be read.
        """
        point = position(self.lsn)
        with self.situation.wal.leading_to(point) as found:
            if found is None:
                return self._blind("the WAL before the point is neither in pg_wal nor archived")
            dump, start = found
            last = _last_end(dump, start, point)
            return self._seen(dump, start, point, last, server)

    def _blind(self, why: str) -> Remains:
        told = f"What was cut off is not known: {why}."
        timeline = self.situation.wal.timeline
        return Remains(
            self.lsn, timeline, self.reason, None, str(self.scope), WINDOW, unknown=(told,),
            blind=True,
        )  # fmt: skip

    def _seen(
        self, dump: Dump, start: int, point: int, last: Finish | None, server: Server | None
    ) -> Remains:
        time = last.time if last else None
        log = self._log(time)
        cut = {each.transaction: each for each in log.cut_off if each.transaction}
        lowest = max(start, (point - _REACH) // SEGMENT * SEGMENT)
        window = max(lowest, (point - _WINDOW_BYTES) // SEGMENT * SEGMENT)
        traces = trace(dump, lowest, window, point, cut.keys())
        whole = traces.whole or (lowest == start and self._begins(dump, start))
        lost, ends = self._lost(traces, dump, point, log, cut.keys(), time)
        recent = list(within(traces.committed, time, WINDOW)) if time else []
        touching = Touching(server, self.scope.database, self.scope.tables, lost, recent)
        named = sessions.told(log.files, {id_ for each in (*lost, *recent) for id_ in each.ids})
        make = _Making(touching, named, ends, log, cut.keys(), self.scope)
        mine = [made for each in lost if (made := make.lost(each))]
        others = [made for each in recent if (made := make.committed(each))]
        unknown = [*touching.unknown, *_unseen(log, time, whole=whole, lowest=lowest)]
        return Remains(
            lsn=self.lsn,
            timeline=dump.timeline,
            reason=self.reason,
            time=time,
            scope=str(self.scope),
            window=WINDOW,
            lost=tuple(mine),
            last=tuple(others),
            untold=traces.untold,
            idle=tuple(self._idle(log, time)),
            unknown=tuple(unknown),
            blind=not whole or not log.files,
        )

    def _log(self, time: datetime | None) -> Log:
        folder = self.situation.primary.log
        return logs.read(folder, time) if time and folder.is_dir() else Log()

    def _begins(self, dump: Dump, start: int) -> bool:
        """Whether a timeline begins there, so that nothing was open before."""
        return start <= SEGMENT or any(
            stretch.begin == start and stretch.timeline == dump.timeline
            for stretch in self.situation.wal.lineage
        )

    def _lost(
        self,
        traces: Traces,
        dump: Dump,
        point: int,
        log: Log,
        cut: Iterable[int],
        time: datetime | None,
    ) -> tuple[list[Trace], Mapping[int, Finish]]:
        """The transactions that had begun and are not part of what is kept."""
        ids = {each.id for each in traces.open}
        later = dump.finishes_of(ids, point, dump.end) if ids else []
        ends = {id_: done for done in later for id_ in done.ids}
        # Who ends at the point itself is the harm.
        harm = {id_ for id_, done in ends.items() if done.lsn == point}
        open_ = [each for each in traces.open if each.id not in harm]
        if sum(each.id not in ends for each in open_) > 1:
            self._write_out()
        known = parents(
            self.situation.primary.data, {each.id for each in (*open_, *traces.rolled_back)}
        )
        known |= {sub: done.transaction for done in later for sub in done.subs}
        near = list(within(traces.rolled_back, time, WINDOW)) if time else []
        ended = [each for each in near if each.ids & set(cut)]
        if not log.files and time:
            just = within(near, time, int(_MADE_WAY.total_seconds()))
            ended = [each for each in just if each.id not in known]
        loose = [each for each in traces.rolled_back if each not in ended]
        parts = joined([*open_, *ended], [*open_, *loose], known)
        wholes = [each for each in (*ended, *open_) if each.id not in parts]
        return sorted(wholes, key=lambda each: each.first), ends

    def _write_out(self) -> None:
        """Have a running primary write out whose parts subtransactions are that still run."""
        primary = self.situation.primary
        with suppress(StrongroomError, psycopg.Error):
            if primary.running():
                with LocalRoot(primary).connect() as session:
                    session.execute("CHECKPOINT")

    def _idle(self, log: Log, time: datetime | None) -> Iterator[Idle]:
        database = self.scope.database
        for each in log.cut_off:
            here = database is None or each.session.database == database
            near = time is not None and abs(each.at - time) <= _MADE_WAY
            if each.transaction is None and here and near and not self.scope.tables:
                yield Idle(each.session, each.state, each.at)


@dataclass(frozen=True)
class _Making:
    """Makes what is reported of what was traced."""

    touching: Touching
    named: Mapping[int, Told]
    ends: Mapping[int, Finish]
    log: Log
    cut: Iterable[int]
    scope: Scope

    def lost(self, traced: Trace) -> Transaction | None:
        """One that is not part of what is kept; None when it is none of the scope's."""
        done = traced.done or next((self.ends[id_] for id_ in traced.ids if id_ in self.ends), None)
        if traced.done is None:
            end = End.OPEN if done is None else End.LATER if done.committed else End.OPEN
        else:
            end = End.CUT if traced.ids & set(self.cut) else End.UNDONE
        tables = self.touching.touched(traced, kept=False)
        return self._made(traced, end, done, tables)

    def committed(self, traced: Trace) -> Transaction | None:
        """One that was committed; None when it is none of the scope's."""
        tables = self.touching.touched(traced, kept=True)
        return self._made(traced, End.COMMITTED, traced.done, tables) if tables else None

    def _made(
        self, traced: Trace, end: End, done: Finish | None, tables: Sequence[Touched]
    ) -> Transaction | None:
        database = self.touching.database_of(traced)
        if database is None or (self.scope.tables and not tables):
            return None
        told = next((self.named[id_] for id_ in sorted(traced.ids) if id_ in self.named), None)
        unknown = []
        if end is End.COMMITTED:
            pass  # said once for all of them
        elif told is None:
            why = "the log is missing" if not self.log.files else "no line of the log names it"
            unknown.append(f"Whose it was is not known: {why}.")
        elif not told.statements:
            unknown.append("What it ran was not logged.")
        if end is End.UNDONE:
            unknown.append(
                "Whether it was cut off or rolled back by itself, only a log could tell."
            )
        return Transaction(
            id=traced.id,
            parts=tuple(sorted(traced.parts)),
            database=database,
            first=lsn(traced.first),
            last=lsn(traced.last),
            end=end,
            ended=done.time if done else None,
            session=told.session if told else None,
            state=told.state if told else "",
            statements=tuple(told.statements) if told else (),
            tables=tuple(tables),
            catalogs=traced.catalogs and end is not End.COMMITTED,
            unknown=tuple(unknown),
        )


def _last_end(dump: Dump, start: int, point: int) -> Finish | None:
    """The last end of a transaction before a point."""
    end = point
    while end > start and point - end < _REACH:
        begin = max((end - 1) // SEGMENT * SEGMENT, start)
        if done := dump.last_finish(begin, end):
            return done
        end = begin
    return None


def _unseen(log: Log, time: datetime | None, *, whole: bool, lowest: int) -> Iterator[str]:
    if not log.files:
        yield (
            "There is no log of that time: nobody can be named, and sessions that were ended "
            "cannot be told from such as rolled back by themselves."
        )
    elif time is not None and log.file_of(time) is None:
        yield "The log of that time is missing or begins later: not everybody can be named."
    if not whole:
        yield (
            f"The WAL was read from {lsn(lowest)} on, and somebody may have begun before: what "
            "they did until then is not seen."
        )
