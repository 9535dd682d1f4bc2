"""Destructive transactions in the WAL: what, when, and before which LSN recovery must stop."""

import re
from collections import Counter
from collections.abc import Collection, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from strongroom.cluster.vault import SEGMENT
from strongroom.incident.events import Kind
from strongroom.incident.segments import Run, segment_name
from strongroom.incident.transactions import FIRST_NORMAL, Catalogs, database_of, deeds
from strongroom.incident.waldump import Dump, Finish, Record

# How much is read at once, the newest first: 128 MB.
_STRIDE = 8 * SEGMENT
# How far before its commit the work of a transaction is looked for: 512 MB.
_REACH = 32 * SEGMENT

_GRAVE = re.compile(rb"rmgr: Database .*DROP|LOCK xid")
_LOCK = re.compile(r"LOCK xid (\d+) ")
_ROW = re.compile(r"\boff: (\d+).*blkref #0: rel (1664/0/\d+) blk (\d+)")
_INPLACE = re.compile(rb"desc: INPLACE")
_DELETE = re.compile(rb"desc: DELETE")
_FILE = re.compile(r"dir \d+/(\d+)")


@dataclass(frozen=True)
class Deed:
    """One destructive transaction that was committed.

    Attributes:
        kind: what it did.
        database: the object id of the database it did it in, or dropped.
        finish: its commit.
        stop: the LSN before which recovery must stop, in bytes.
        timeline: of the LSNs.
        relations: object ids of what it locked.
        rows: deleted rows by the number of the file they were in.
    """

    kind: Kind
    database: int
    finish: Finish
    stop: int
    timeline: int
    relations: tuple[int, ...] = ()
    rows: tuple[tuple[int, int], ...] = ()

    @property
    def time(self) -> datetime:
        """When it was committed (UTC)."""
        return self.finish.time

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments that tell of it."""
        ends = (self.stop // SEGMENT, self.finish.lsn // SEGMENT)
        return tuple(dict.fromkeys(segment_name(self.timeline, number) for number in ends))


@dataclass(frozen=True)
class Search:
    """A search of one run of segments.

    Attributes:
        dump: reads them.
        run: which ones.
        data: the data folder, where it says in which files the catalogs are.
        least: how many deleted rows make a mass delete.
    """

    dump: Dump
    run: Run
    data: Path
    least: int

    def deeds(self, since: datetime) -> Generator[list[Deed]]:
        """What was done after `since`, stretch by stretch, the newest stretch first."""
        begin = self.run.recent(since)
        starts = list(range(begin, self.run.end, _STRIDE))[::-1]
        seen: set[int] = set()
        with ThreadPoolExecutor(2) as pool:
            # pg_waldump does the work, in a process of its own each.
            pending = [pool.submit(self._stretch, start) for start in starts[:2]]
            for number, _ in enumerate(starts):
                found = pending.pop(0).result()
                if number + 2 < len(starts):
                    pending.append(pool.submit(self._stretch, starts[number + 2]))
                new = [deed for deed in found if not deed.finish.ids & seen]
                seen.update(id_ for deed in new for id_ in deed.finish.ids)
                yield sorted(new, key=lambda deed: deed.finish.lsn, reverse=True)

    def schemas(self, since: datetime) -> Iterator[Deed]:
        """Dropped schemas, also those that held no table: their commits name no file."""
        begin = self.run.recent(since)
        for folder in sorted((self.data / "base").glob("[0-9]*")):
            catalog = f"--relation=1663/{folder.name}/{Catalogs().schemas}"
            deleted = self.dump.records(begin, self.run.end, catalog, having=_DELETE)
            for record in deleted:
                done = self.dump.finish_of(record.transaction, record.lsn, self.run.end)
                if done and done.committed:
                    yield Deed(Kind.SCHEMA, int(folder.name), done, done.lsn, self.run.timeline)

    def mark(self, row: tuple[str, str, str], since: datetime) -> int | None:
        """The LSN (bytes) at which a row of pg_database was last marked in place, as invalid.

        Args:
            row: number within the block, file, block.
            since: how far back to look (UTC).
        """
        begin = self.run.recent(since)
        marks = self._marks(begin, self.run.end, row)
        return marks[-1] if marks else None

    def _marks(self, begin: int, end: int, row: tuple[str, ...]) -> list[int]:
        there = self.dump.records(begin, end, f"--relation={row[1]}", having=_INPLACE)
        return [
            record.lsn
            for record in there
            if (found := _ROW.search(record.text)) and found.groups() == row
        ]

    def _stretch(self, start: int) -> list[Deed]:
        end = min(start + _STRIDE, self.run.end)
        found: list[Deed] = []
        locks: dict[int, int] = {}
        # Nothing is dropped or truncated before it is locked, and every such lock is in the WAL;
        # there are few, while having the ends of all transactions printed takes long.
        managers = ("--rmgr=Database", "--rmgr=Standby")
        for record in self.dump.records(start, end, *managers, having=_GRAVE):
            if lock := _LOCK.match(record.text):
                locks.setdefault(int(lock[1]), record.lsn)
            elif record.manager == "Database":
                found += self._database(record)
        known = {id_ for deed in found for id_ in deed.finish.ids}
        first = min(locks.values(), default=end)
        for done in self.dump.finishes_of(locks.keys() - known, first, self.run.end):
            if done.committed and done.files and not done.ids & known:
                deed = self.relations(done, min(locks[id_] for id_ in done.ids if id_ in locks))
                found += [deed] if deed else []
                known |= done.ids
        return found + self._deletes(start, end, known)

    def _database(self, drop: Record) -> list[Deed]:
        """DROP DATABASE, if it was that and was committed."""
        done = None
        if drop.transaction:
            done = self.dump.finish_of(drop.transaction, drop.lsn, self.run.end)
        deed = self.dropped(drop, done) if done and done.committed else None
        return [deed] if deed else []

    def dropped(self, drop: Record, done: Finish) -> Deed | None:
        """The DROP DATABASE that a record is of; None when it is of something else.

        A database that moves to another tablespace, or could not be made, leaves this record too;
        but only DROP DATABASE deletes the row of pg_database, right after it marked the row
        invalid in place. The mark stays whatever becomes of the transaction, so recovery has to
        stop before it.

        Args:
            drop: the record by which the files of a database went.
            done: the commit of its transaction.
        """
        begin = max(self.run.start, (drop.lsn - _REACH) // SEGMENT * SEGMENT)
        of_it = self.dump.records(
            begin, drop.lsn, f"--xid={drop.transaction}", having=re.compile(rb"desc: DELETE.*1664/")
        )
        deleted = [row for record in of_it if (row := _ROW.search(record.text))]
        if not deleted:
            return None
        marks = self._marks(begin, drop.lsn, deleted[-1].groups())
        gone = _FILE.search(drop.text)
        oid = int(gone[1]) if gone else 0
        stop = marks[-1] if marks else done.lsn
        return Deed(Kind.DATABASE, oid, done, stop, self.run.timeline)

    def relations(self, done: Finish, begin: int) -> Deed | None:
        """What a transaction did whose commit drops files of relations.

        Args:
            done: the commit.
            begin: where it is known to have taken its first lock, in bytes.
        """
        database = database_of(done.files[0])
        alone = [f"--xid={done.transaction}"] if not done.subs else []
        having = re.compile(b"|".join(b"tx: +%d," % id_ for id_ in done.ids))
        records = self.dump.records(begin, done.lsn, *alone, having=having)
        did = deeds(records, Catalogs.of(self.data, database))
        if did.kind is None:
            return None
        relations = tuple(dict.fromkeys(did.locked))
        return Deed(did.kind, database, done, done.lsn, self.run.timeline, relations)

    def _deletes(self, start: int, end: int, known: set[int]) -> list[Deed]:
        """Transactions that deleted many rows, begun, ended or in between in [start, end)."""
        # Some of the rows may be in the stretch before or after.
        part = max(self.least // 4, 1)
        if self.dump.deletes(start, end) < part:
            return []
        counted: Counter[tuple[int, str]] = Counter()
        for each in range(start, end, SEGMENT):
            # Counting is quick; having every row printed is not.
            if self.dump.deletes(each, each + SEGMENT) >= max(part // 8, 1):
                counted += self.dump.deleted(each, each + SEGMENT)
        rows: Counter[int] = Counter()
        for (id_, file), count in counted.items():
            rows[id_] += count if _normal(file) else 0
        found = []
        for id_, count in rows.most_common():
            if count >= part and id_ not in known and (deed := self._mass(id_, start, counted)):
                found.append(deed)
                known |= deed.finish.ids
        return found

    def _mass(self, transaction: int, start: int, counted: Counter[tuple[int, str]]) -> Deed | None:
        """A transaction that deleted many rows, of the files it was seen to delete from."""
        done = self.dump.finish_of(transaction, start, self.run.end)
        if done is None or not done.committed:
            return None
        files = {(id_, file) for id_, file in counted if id_ in done.ids}
        return self.deleted(done, max(self.run.start, start - _REACH), files)

    def deleted(self, done: Finish, begin: int, files: Collection[tuple[int, str]]) -> Deed | None:
        """The mass delete that a transaction is; None when it deleted fewer rows.

        Args:
            done: its commit.
            begin: from where on its deletes are counted, in bytes.
            files: the files it deleted from, each with the part of it that did.
        """
        by_file: Counter[str] = Counter()
        for id_, file in files:
            if _normal(file):
                narrow = (f"--xid={id_}", f"--relation={file}")
                by_file[file] += self.dump.deletes(begin, done.lsn, *narrow)
        if by_file.total() < self.least:
            return None
        database = database_of(next(iter(by_file)))
        rows = tuple((int(file.rpartition("/")[2]), count) for file, count in by_file.most_common())
        return Deed(Kind.DELETE, database, done, done.lsn, self.run.timeline, rows=rows)


def _normal(file: str) -> bool:
    """Whether a file, as space/database/number, is of a user's table."""
    return int(file.rpartition("/")[2]) >= FIRST_NORMAL
