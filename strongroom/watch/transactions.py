"""The WAL, followed transaction by transaction: what was destroyed is told at its commit.

Counting what kinds of records there are is so quick (a gigabyte a second) that all of the WAL is
looked at; only what has locks or deletes in it is read record by record.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from strongroom.cluster.vault import SEGMENT
from strongroom.incident.wal import Deed, Search
from strongroom.incident.waldump import Dump, Finish, Record, finish

#: How much is read at once: 128 MB.
STRIDE = 8 * SEGMENT

_STANDBY = re.compile(rb"rmgr: Database .*DROP|LOCK xid|oldestRunningXid")
_LOCKS = re.compile(r"xid (\d+) db")
_OLDEST = re.compile(r"oldestRunningXid (\d+)")
_ENDS = re.compile(rb"desc: (COMMIT|ABORT) ")
_IDS = 2**32


@dataclass
class _Open:
    """A transaction that may destroy something when it commits.

    Attributes:
        first: the LSN of the first sign of it, in bytes.
        rows: rows it deleted, by file (space/database/number).
        drop: the record by which the files of a database went.
    """

    first: int
    rows: Counter[str] = field(default_factory=Counter)
    drop: Record | None = None


@dataclass(frozen=True)
class Seen:
    """Something that was destroyed, and the LSN of the first sign of it, in bytes."""

    deed: Deed
    first: int


@dataclass
class Transactions:
    """Follows transactions of one timeline.

    Attributes:
        least: deleted rows that are a mass delete.
        open: transactions that may destroy something, by id.
    """

    least: int
    open: dict[int, _Open] = field(default_factory=dict)

    @property
    def first(self) -> int | None:
        """The LSN that reading must begin at again if all this is forgotten; None: anywhere."""
        return min((each.first for each in self.open.values()), default=None)

    def read(self, search: Search, start: int) -> tuple[list[Seen], int]:
        """What was destroyed by commits that follow an LSN, and the LSN up to which it was read.

        Args:
            search: the WAL as far as it is there.
            start: where to begin, in bytes; no earlier than the WAL that is there.
        """
        dump = search.dump
        found = dump.statistics(start, min(start + STRIDE, search.run.end))
        if found is None:
            return [], start
        end, kinds = found.end, found.records
        oldest = None
        if self.open or kinds["Standby/LOCK"] or kinds["Database/DROP"]:
            oldest = self._locks(dump, start, end)
        # A few rows a second make no mass delete, and having every row printed takes long.
        if found.deletes >= max(self.least // 8, 1):
            for (id_, file), rows in dump.deleted(start, end).items():
                self._seen(id_, start).rows[file] += rows
        seen = list(self._ended(search, start, end)) if self.open else []
        if oldest is not None:
            # What a server that crashed had begun ends without a word.
            self.open = {id_: one for id_, one in self.open.items() if not _older(id_, oldest)}
        return seen, end

    def _seen(self, id_: int, at: int) -> _Open:
        return self.open.setdefault(id_, _Open(at))

    def _locks(self, dump: Dump, start: int, end: int) -> int | None:
        """Note who locks what to drop or empty it; returns the oldest id that is still running."""
        oldest = None
        managers = ("--rmgr=Database", "--rmgr=Standby")
        for record in dump.records(start, end, *managers, having=_STANDBY):
            if running := _OLDEST.search(record.text):
                oldest = int(running[1])
            elif record.manager == "Database":
                self._seen(record.transaction, record.lsn).drop = record
            else:
                for id_ in _LOCKS.findall(record.text):
                    self._seen(int(id_), record.lsn)
        return oldest

    def _ended(self, search: Search, start: int, end: int) -> Iterator[Seen]:
        for record in search.dump.records(start, end, "--rmgr=Transaction", having=_ENDS):
            done = finish(record)
            if done is None or not done.ids & self.open.keys():
                continue
            parts = {id_: self.open.pop(id_) for id_ in done.ids if id_ in self.open}
            first = min(each.first for each in parts.values())
            begin = max(search.run.start, first)
            if done.committed and (deed := self._deed(search, done, parts, begin)):
                yield Seen(deed, first)

    def _deed(
        self, search: Search, done: Finish, parts: dict[int, _Open], begin: int
    ) -> Deed | None:
        for drop in (each.drop for each in parts.values() if each.drop):
            if deed := search.dropped(drop, done):
                return deed
        if done.files and (deed := search.relations(done, begin)):
            return deed
        rows = sum(each.rows.total() for each in parts.values())
        if rows < self.least // 4:
            return None
        files = {(id_, file) for id_, each in parts.items() for file in each.rows}
        return search.deleted(done, begin, files)


def _older(id_: int, oldest: int) -> bool:
    """Whether a transaction id comes before another; they go round."""
    return 0 < (oldest - id_) % _IDS < _IDS // 2
