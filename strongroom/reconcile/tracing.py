"""The transactions on the way to a point in the WAL: which rows of which files each one touched."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from strongroom.cluster.vault import SEGMENT
from strongroom.incident.waldump import Dump, Finish, Record, finish
from strongroom.reconcile.traces import Trace

# How much is searched at once for who was running, the newest first: 128 MB.
_STRIDE = 8 * SEGMENT
# How many commits are told one by one, and how many that rolled back are held to be joined.
_COMMITS, _ABORTS = 500, 500
_MANAGERS = ("--rmgr=Heap", "--rmgr=Heap2", "--rmgr=Transaction")
_TELLS = re.compile(
    rb"desc: (?:INSERT|MULTI_INSERT|UPDATE|HOT_UPDATE|DELETE|LOCK|COMMIT|ABORT|PREPARE)\b"
)
_RUNNING = re.compile(rb"desc: RUNNING_XACTS")
_NUMBERS = re.compile(r"nextXid (\d+) latestCompletedXid \d+ oldestRunningXid (\d+)")
_TOP = re.compile(r"; \d+ xacts:((?: \d+)+)")


@dataclass(frozen=True)
class Traces:
    """The transactions before a point.

    Attributes:
        open: those without an end before it, oldest first.
        committed: the last ones that were committed, oldest first.
        rolled_back: the last ones that were rolled back, oldest first.
        begin: from which LSN on they were read, in bytes.
        whole: whether nothing of those in `open` lies before that.
        capped: whether more were committed since `begin` than are told.
    """

    open: tuple[Trace, ...]
    committed: tuple[Trace, ...]
    rolled_back: tuple[Trace, ...]
    begin: int
    whole: bool
    capped: bool


@dataclass(frozen=True)
class _Running:
    """Who was running at some moment, as the server notes it now and then; LSN in bytes."""

    lsn: int
    next: int
    oldest: int
    ids: tuple[int, ...]


def trace(dump: Dump, start: int, window: int, stop: int, keep: Collection[int]) -> Traces:
    """Read the transactions before a point.

    Args:
        dump: the WAL of its timeline.
        start: the first LSN that may be read, where a segment begins or a record (bytes).
        window: the LSN from which on commits are of interest, the same way.
        stop: the point: what begins there is not read.
        keep: numbers of transactions whose rollback is of interest however long ago it was.
    """
    known, begin, whole = _beginning(dump, start, window, stop)
    reading = _Reading(keep)
    for record in dump.records(begin, stop, *_MANAGERS, having=_TELLS):
        reading.take(record)
    # Who was known to run and has left nothing since began, and wrote, before what was read.
    for id_ in known:
        seen = id_ in reading.open
        if (left := reading.add(id_, begin)) is not None:
            left.unseen = not seen
    return Traces(
        open=tuple(sorted(reading.open.values(), key=lambda each: each.first)),
        committed=tuple(reading.committed),
        rolled_back=(*reading.kept, *reading.rolled_back),
        begin=begin,
        whole=whole,
        capped=len(reading.committed) == _COMMITS,
    )


def _beginning(dump: Dump, start: int, window: int, stop: int) -> tuple[tuple[int, ...], int, bool]:
    """Who ran when it was last noted, from where on to read, and whether that is everything.

    Everybody who runs at the window's beginning has a number from the oldest on that ran when it
    was last noted before; where nobody was to come yet with these numbers, nobody had begun.
    """
    last: tuple[int, ...] | None = None
    oldest: int | None = None
    for each in _noted(dump, start, stop):
        if last is None:
            last = each.ids
        if oldest is None and each.lsn <= window:
            oldest = each.oldest
        if oldest is not None and each.next <= oldest:
            return last, min(each.lsn, window), True
    return last or (), start, False


def _noted(dump: Dump, start: int, stop: int) -> Iterator[_Running]:
    """The server's notes of who runs, the newest first."""
    end = stop
    while end > start:
        begin = max((end - 1) // _STRIDE * _STRIDE, start)
        found = dump.records(begin, end, "--rmgr=Standby", having=_RUNNING)
        for record in reversed(list(found)):
            numbers, top = _NUMBERS.search(record.text), _TOP.search(record.text)
            if numbers:
                ids = tuple(int(id_) for id_ in top[1].split()) if top else ()
                yield _Running(record.lsn, int(numbers[1]), int(numbers[2]), ids)
        end = begin


class _Reading:
    """Follows every transaction until it ends."""

    def __init__(self, keep: Collection[int]) -> None:
        self._keep = keep
        self._ended: set[int] = set()
        self.open: dict[int, Trace] = {}
        self.kept: list[Trace] = []
        self.committed: deque[Trace] = deque(maxlen=_COMMITS)
        self.rolled_back: deque[Trace] = deque(maxlen=_ABORTS)

    def take(self, record: Record) -> None:
        """Read one record."""
        if record.transaction == 0:
            return
        trace_ = self.add(record.transaction, record.lsn)
        if trace_ is None:
            return
        if record.manager != "Transaction":
            trace_.take(record)
        elif (done := finish(record)) is not None:
            self._end(trace_, done)

    def add(self, id_: int, lsn: int) -> Trace | None:
        """The transaction of that number; None when it has ended."""
        if id_ in self._ended:
            return None
        return self.open.setdefault(id_, Trace(id_, lsn, lsn))

    def _end(self, whole: Trace, done: Finish) -> None:
        self._ended |= done.ids
        whole.done = done
        for part in sorted(done.ids & self.open.keys()):
            joined = self.open.pop(part)
            if joined is not whole:
                whole.join(joined)
        if done.committed:
            if whole.steps or whole.over:
                self.committed.append(whole)
        elif done.ids & set(self._keep):
            self.kept.append(whole)
        else:
            self.rolled_back.append(whole)


def within(traces: Iterable[Trace], until: datetime, seconds: int) -> Iterator[Trace]:
    """Those that ended in the last `seconds` before a time."""
    for each in traces:
        if each.done and until - each.done.time <= timedelta(seconds=seconds):
            yield each
