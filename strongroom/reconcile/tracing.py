"""The transactions on the way to a point in the WAL: which rows of which files each one touched."""

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from strongroom.cluster.vault import SEGMENT
from strongroom.incident.transactions import FIRST_NORMAL
from strongroom.incident.waldump import Dump, Finish, Record, finish

#: Where a row lies in its file: block and number within it.
Place = tuple[int, int]

# How much is searched at once for who was running, the newest first: 128 MB.
_STRIDE = 8 * SEGMENT
# How many commits are told one by one, and how many that rolled back are held to be joined.
_COMMITS, _ABORTS = 500, 500
# Rows of one transaction that are followed one by one; of more only the number is known.
_FOLLOWED = 20_000

_MANAGERS = ("--rmgr=Heap", "--rmgr=Heap2", "--rmgr=Transaction")
_TELLS = re.compile(
    rb"desc: (?:INSERT|MULTI_INSERT|UPDATE|HOT_UPDATE|DELETE|LOCK|COMMIT|ABORT|PREPARE)\b"
)
_RUNNING = re.compile(rb"desc: RUNNING_XACTS")
_NUMBERS = re.compile(r"nextXid (\d+) latestCompletedXid \d+ oldestRunningXid (\d+)")
_TOP = re.compile(r"; \d+ xacts:((?: \d+)+)")
_BLOCK = re.compile(r"blkref #\d: rel (\d+/\d+/\d+) (?:fork (\w+) )?blk (\d+)")
_OFFSET = re.compile(r"\boff: (\d+)")
_MOVED = re.compile(r"old_off: (\d+).*?new_off: (\d+)")
_MANY = re.compile(r"ntuples: (\d+)")
_OFFSETS = re.compile(r"offsets: \[([\d, ]*)\]")


@dataclass
class Net:
    """What a transaction did to one file, all in all.

    Attributes:
        made: places of rows it wrote, with the place of the row each one replaces; None for new.
        gone: places of rows it deleted that were there before.
        uncounted: rows it touched beyond those that are followed.
    """

    made: dict[Place, Place | None] = field(default_factory=dict)
    gone: set[Place] = field(default_factory=set)
    uncounted: int = 0

    def take(self, step: "Step") -> None:
        """Follow one step; to be given in their order."""
        if step.old is None and step.new is not None:
            self.made[step.new] = None
        elif step.old is not None:
            first = self.made.pop(step.old, step.old) if step.old in self.made else step.old
            if step.new is not None:
                self.made[step.new] = first
            elif first is not None:
                self.gone.add(first)


@dataclass(frozen=True, slots=True)
class Step:
    """One row written, moved or deleted.

    Attributes:
        lsn: of its record, in bytes.
        file: as space/database/number.
        old: where the row was; None for a new one.
        new: where it is now; None for a deleted one.
    """

    lsn: int
    file: str
    old: Place | None
    new: Place | None


@dataclass
class Trace:
    """One transaction, or a part of one that is still to be joined with it.

    Attributes:
        id: its number.
        first: the LSN of its first record that was read, in bytes.
        last: that of its last.
        steps: what it did, as far as it is followed.
        parts: numbers of parts that were joined.
        over: steps that are not followed, by file.
        done: how it ended before the point; None while open.
        databases: numbers of the databases it wrote to.
        catalogs: whether it changed catalogs of a database.
        unseen: whether it is only known to have run: all it wrote lies before what was read.
    """

    id: int
    first: int
    last: int
    steps: list[Step] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    over: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    done: Finish | None = None
    databases: set[int] = field(default_factory=set)
    catalogs: bool = False
    unseen: bool = False

    @property
    def ids(self) -> frozenset[int]:
        """Its number and those of its parts."""
        return frozenset((self.id, *self.parts))

    def join(self, part: "Trace") -> None:
        """Take in what a part of it did."""
        self.first, self.last = min(self.first, part.first), max(self.last, part.last)
        self.steps += part.steps
        self.parts += [part.id, *part.parts]
        self.databases |= part.databases
        self.catalogs |= part.catalogs
        for file, count in part.over.items():
            self.over[file] += count

    def nets(self) -> dict[str, Net]:
        """What it did, all in all, by file."""
        found: dict[str, Net] = defaultdict(Net)
        for step in sorted(self.steps, key=lambda each: each.lsn):
            found[step.file].take(step)
        for file, count in self.over.items():
            found[file].uncounted += count
        return {file: net for file, net in found.items() if net.made or net.gone or net.uncounted}

    def take(self, record: Record) -> None:
        """Read one of its records."""
        self.last = record.lsn
        block = _BLOCK.search(record.text)
        if block is None:
            return
        file = block[1]
        _, database, number = map(int, file.split("/"))
        if database == 0:
            return
        self.databases.add(database)
        if number < FIRST_NORMAL:
            self.catalogs = True
            return
        for old, new in _changes(record.text):
            if len(self.steps) < _FOLLOWED:
                self.steps.append(Step(record.lsn, file, old, new))
            else:
                self.over[file] += 1


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


def _changes(text: str) -> Iterator[tuple[Place | None, Place | None]]:
    """What a record of the heap's says: for each row where it was and where it is."""
    blocks = [int(block) for _, fork, block in _BLOCK.findall(text) if not fork]
    if not blocks:
        return
    offset = _OFFSET.search(text)
    if text.startswith("INSERT") and offset:
        yield None, (blocks[0], int(offset[1]))
    elif text.startswith("DELETE") and offset:
        yield (blocks[0], int(offset[1])), None
    elif text.startswith("MULTI_INSERT"):
        for number in _numbers(text):
            yield None, (blocks[0], number)
    elif "UPDATE" in text and (moved := _MOVED.search(text)):
        # The new block comes first; where there is no second one it is the old one as well.
        yield (blocks[-1], int(moved[1])), (blocks[0], int(moved[2]))


def _numbers(text: str) -> Iterable[int]:
    """Where the rows of a MULTI_INSERT lie: told one by one, or from 1 on in a new block."""
    told, many = _OFFSETS.search(text), _MANY.search(text)
    if told and told[1]:
        return [int(number) for number in told[1].split(",")]
    return range(1, int(many[1]) + 1 if many else 1)


def within(traces: Iterable[Trace], until: datetime, seconds: int) -> Iterator[Trace]:
    """Those that ended in the last `seconds` before a time."""
    for each in traces:
        if each.done and until - each.done.time <= timedelta(seconds=seconds):
            yield each
