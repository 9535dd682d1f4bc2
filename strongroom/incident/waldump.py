"""pg_waldump, read line by line: a gigabyte of WAL never lies in memory."""

import re
import subprocess
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

from strongroom.cluster.system_user import SystemUser, clean_environment
from strongroom.cluster.vault import position

_RECORD = re.compile(
    rb"rmgr: (\S+) +len \(rec/tot\): *\d+/ *\d+, tx: *(\d+), lsn: ([0-9A-F/]+), "
    rb"prev [0-9A-F/]+, desc: (.*)"
)
_FINISHED = re.compile(
    r"(COMMIT|ABORT)(?:_PREPARED \d+:)? (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC"
)
_ANY = re.compile(b"")
_ENDS = re.compile(rb"desc: (COMMIT|ABORT) ")
_COUNTED = re.compile(rb"(\w+/\S+) +(\d+) ")
_READ = re.compile(rb"WAL statistics between \S+ and ([0-9A-F/]+):")
_FILES = re.compile(r"; rels: ([^;]*)")
_SUBS = re.compile(r"; subxacts: ([\d ]*)")

# Transactions that are looked for one by one, which takes a process each.
_FEW = 30
_AT_A_TIME = 64 * 1024 * 1024
_LAST = 2**64 - 1
_DELETED = "Heap/DELETE"
# A record that begins before the end of a range may go on behind it; bytes.
_OVERHANG = 1024 * 1024


class Record(NamedTuple):
    """One record of the WAL; `lsn` in bytes."""

    manager: str
    transaction: int
    lsn: int
    text: str


@dataclass(frozen=True)
class Finish:
    """The end of a transaction.

    Attributes:
        lsn: where, in bytes.
        transaction: its id.
        subs: those of its parts.
        time: when (UTC).
        committed: whether it counts.
        files: files of relations that went with it, as paths below the data folder.
    """

    lsn: int
    transaction: int
    subs: tuple[int, ...]
    time: datetime
    committed: bool
    files: tuple[str, ...]

    @property
    def ids(self) -> frozenset[int]:
        """Its id and those of its parts."""
        return frozenset((self.transaction, *self.subs))


@dataclass(frozen=True)
class Statistics:
    """What a range of the WAL holds.

    Attributes:
        end: the LSN after the last whole record of it, in bytes.
        records: how many of each kind there are, such as ``Heap/DELETE``.
    """

    end: int
    records: Counter[str]

    @property
    def deletes(self) -> int:
        """How many rows were deleted."""
        return sum(count for kind, count in self.records.items() if kind.startswith(_DELETED))


@dataclass(frozen=True)
class Dump:
    """WAL of one timeline, as pg_waldump reads it.

    Attributes:
        tool: the program.
        user: who runs it.
        folder: holds the segments.
        timeline: which one.
        end: the LSN after the last segment, in bytes. pg_waldump waits five seconds for a file
            that is not there, so it is never asked for more.
    """

    tool: Path
    user: SystemUser
    folder: Path
    timeline: int
    end: int = _LAST

    def records(
        self,
        start: int,
        end: int,
        *filters: str,
        having: re.Pattern[bytes] = _ANY,
        of: Callable[[int], bool] | None = None,
    ) -> Iterator[Record]:
        """Records that begin in a range of the WAL.

        Args:
            start: the first LSN, in bytes: that of a record, or where a segment begins.
            end: the LSN after the last one, in bytes.
            filters: options by which pg_waldump prints less.
            having: what the line of a record must match; much quicker than looking afterwards.
            of: tells by its number whether a transaction is of interest; quicker still.
        """
        with self._lines(start, end + _OVERHANG, *filters) as lines:
            for line in lines:
                # As below: cut up without regular expressions.
                if of and not of(int(line.partition(b"tx: ")[2].partition(b",")[0] or 0)):
                    continue
                found = _RECORD.match(line) if having.search(line) else None
                if found is None:
                    continue
                lsn = position(found[3].decode())
                if lsn >= end:
                    break
                text = found[4].decode(errors="replace")
                yield Record(found[1].decode(), int(found[2]), lsn, text)

    def finish_of(self, transaction: int, start: int, end: int) -> Finish | None:
        """How a transaction, or the one it is a part of, ended in [start, end), in bytes."""
        part = re.compile(rb"subxacts:[^;]* %d\b" % transaction)
        # Later parts begin with a segment: what follows a switch of segments within one is empty,
        # and pg_waldump finds no record from there on.
        aligned = range((start // _AT_A_TIME + 1) * _AT_A_TIME, end, _AT_A_TIME)
        for begin, until in pairwise([start, *aligned, end]):
            bounds = begin, until, "--rmgr=Transaction"
            # pg_waldump can look for a transaction by itself; for parts of one it cannot.
            own = self.records(*bounds, f"--xid={transaction}", having=_ENDS)
            whole = map(finish, chain(own, self.records(*bounds, having=part)))
            for done in whole:
                if done is not None and transaction in done.ids:
                    return done
        return None

    def finishes_of(self, transactions: Collection[int], start: int, end: int) -> list[Finish]:
        """How many transactions, or those they are parts of, ended in [start, end), in bytes."""
        if len(transactions) <= _FEW:
            each = (self.finish_of(id_, start, end) for id_ in transactions)
            return [done for done in each if done is not None]
        found, open_ = [], set(transactions)
        for done in map(finish, self.records(start, end, "--rmgr=Transaction", having=_ENDS)):
            if done is not None and done.ids & open_:
                found.append(done)
                open_ -= done.ids
                if not open_:
                    break
        return found

    def first_finish(self, start: int, end: int) -> Finish | None:
        """The first end of a transaction in [start, end), in bytes."""
        found = map(finish, self.records(start, end, "--rmgr=Transaction"))
        return next((done for done in found if done is not None), None)

    def last_finish(self, start: int, end: int) -> Finish | None:
        """The last end of a transaction in [start, end), in bytes."""
        found = self.records(start, end, "--rmgr=Transaction", having=_ENDS)
        last = deque(found, maxlen=1)
        return finish(last[0]) if last else None

    def statistics(self, start: int, end: int, *filters: str) -> Statistics | None:
        """What [start, end), in bytes, holds; quick. None when there is no whole record in it."""
        read, counts = None, Counter[str]()
        with self._lines(start, end, "--stats=record", *filters) as lines:
            for line in lines:
                if found := _COUNTED.match(line):
                    counts[found[1].decode()] += int(found[2])
                read = read or _READ.match(line)
        return Statistics(position(read[1].decode()), counts) if read else None

    def deletes(self, start: int, end: int, *filters: str) -> int:
        """How many rows were deleted in [start, end), in bytes; quick, and nothing more."""
        counted = self.statistics(start, end, "--rmgr=Heap", *filters)
        return counted.deletes if counted else 0

    def deleted(self, start: int, end: int) -> Counter[tuple[int, str]]:
        """Deleted rows in [start, end) by transaction and file (space/database/number)."""
        counts: Counter[tuple[bytes, bytes]] = Counter()
        with self._lines(start, end, "--rmgr=Heap") as lines:
            for line in lines:
                # There can be a million of these, so they are cut up without regular expressions.
                if b"desc: DELETE" in line:
                    id_ = line.partition(b"tx: ")[2].partition(b",")[0]
                    counts[id_, line.partition(b"blkref #0: rel ")[2].partition(b" ")[0]] += 1
        named = {(int(id_), file.decode()): rows for (id_, file), rows in counts.items()}
        return Counter(named)

    @contextmanager
    def _lines(self, start: int, end: int, *filters: str) -> Iterator[Iterable[bytes]]:
        """What pg_waldump prints. The WAL's own end ends it with an error, which is no news."""
        last = lsn(min(end, self.end))
        bounds = (f"--start={lsn(start)}", f"--end={last}", f"--timeline={self.timeline}")
        command = [str(self.tool), f"--path={self.folder}", *bounds, *filters]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**clean_environment(), "TZ": "UTC"},
            cwd="/",
            start_new_session=True,
            **self.user.identity(),
        ) as process:
            try:
                yield process.stdout or ()
            finally:
                process.kill()


def finish(record: Record) -> Finish | None:
    """The end of a transaction that `record` is; None for any other record."""
    found = _FINISHED.match(record.text)
    if found is None:
        return None
    files, subs = _FILES.search(record.text), _SUBS.search(record.text)
    time = datetime.strptime(found[2], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    return Finish(
        lsn=record.lsn,
        transaction=record.transaction,
        subs=tuple(int(id_) for id_ in subs[1].split()) if subs else (),
        time=time,
        committed=found[1] == "COMMIT",
        files=tuple(files[1].split()) if files else (),
    )


def lsn(number: int) -> str:
    """An LSN as PostgreSQL prints it."""
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"
