"""The transactions on the way to a point in the WAL: which rows of which files each one touched."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from strongroom.cluster.vault import SEGMENT
from strongroom.incident.waldump import Dump, Finish, finish
from strongroom.reconcile.traces import Trace

# How much is searched at once for who was running, the newest first: 128 MB.
_STRIDE = 8 * SEGMENT
# How many commits are told one by one, and how many that rolled back are held to be joined.
_COMMITS, _ABORTS = 200, 200

_TELLS = re.compile(rb"desc: (?:INSERT|MULTI_INSERT|UPDATE|HOT_UPDATE|DELETE|LOCK)\b")
_ENDS = re.compile(rb"desc: (?:COMMIT|ABORT)\b")
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
        untold: when the last commit was that is not told (UTC); None when all since `begin` are.
    """

    open: tuple[Trace, ...]
    committed: tuple[Trace, ...]
    rolled_back: tuple[Trace, ...]
    begin: int
    whole: bool
    untold: datetime | None


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
    ends = _Ends(window, keep)
    for record in dump.records(begin, stop, "--rmgr=Transaction", having=_ENDS):
        if (done := finish(record)) is not None:
            ends.take(done)
    told = {each.transaction: Trace(each.transaction, each.lsn, each.lsn) for each in ends.told()}
    whose = {id_: told[each.transaction] for each in ends.told() for id_ in each.ids}
    for each in ends.told():
        told[each.transaction].done = each
        told[each.transaction].parts = list(each.subs)
    open_: dict[int, Trace] = {}

    def is_wanted(id_: int) -> bool:
        return id_ > 0 and (id_ in whose or id_ not in ends.seen)

    for record in dump.records(
        begin, stop, "--rmgr=Heap", "--rmgr=Heap2", having=_TELLS, of=is_wanted
    ):
        id_ = record.transaction
        trace_ = whose.get(id_) or open_.setdefault(id_, Trace(id_, record.lsn, record.lsn))
        trace_.take(record)
    # Who was known to run and has left nothing since began, and wrote, before what was read.
    for id_ in (each for each in known if each not in ends.seen and each not in open_):
        open_[id_] = Trace(id_, begin, begin, unseen=True)
    committed = [told[each.transaction] for each in ends.committed]
    return Traces(
        open=tuple(sorted(open_.values(), key=lambda each: each.first)),
        committed=tuple(each for each in committed if each.steps),
        rolled_back=tuple(told[each.transaction] for each in (*ends.kept, *ends.rolled_back)),
        begin=begin,
        whole=whole,
        untold=ends.untold,
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


class _Ends:
    """Ends of transactions: those that are told of, and which have ended at all."""

    def __init__(self, window: int, keep: Collection[int]) -> None:
        self._window, self._keep = window, frozenset(keep)
        self.seen: set[int] = set()
        self.kept: list[Finish] = []
        self.committed: deque[Finish] = deque(maxlen=_COMMITS)
        self.rolled_back: deque[Finish] = deque(maxlen=_ABORTS)
        self.untold: datetime | None = None

    def take(self, done: Finish) -> None:
        """Take one in."""
        self.seen |= done.ids
        if not done.committed:
            kept = done.ids & self._keep
            (self.kept if kept else self.rolled_back).append(done)
            return
        if done.lsn < self._window:
            self.untold = done.time
            return
        if len(self.committed) == _COMMITS:
            self.untold = self.committed[0].time
        self.committed.append(done)

    def told(self) -> Iterator[Finish]:
        """Those that are told of."""
        yield from (*self.kept, *self.committed, *self.rolled_back)


def within(traces: Iterable[Trace], until: datetime, seconds: int) -> Iterator[Trace]:
    """Those that ended in the last `seconds` before a time."""
    for each in traces:
        if each.done and until - each.done.time <= timedelta(seconds=seconds):
            yield each
