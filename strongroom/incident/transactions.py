"""What a transaction did to the tables of a database, told from its records in the WAL.

Files of relations go at a commit for harmless reasons too: VACUUM FULL, CLUSTER, REINDEX, REFRESH
MATERIALIZED VIEW and many an ALTER TABLE write a new file and drop the old one. What tells them
apart is the life of the catalogs' rows and what was written to the new files.
"""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.incident.events import Kind
from strongroom.incident.waldump import Record

_PG_CLASS, _PG_TYPE, _PG_NAMESPACE = 1259, 1247, 2615
#: The first number that a relation of a user can have (access/transam.h).
FIRST_NORMAL = 16384

_BLOCK = re.compile(r"blkref #\d+: rel \d+/(\d+)/(\d+)(?: fork \w+)? blk (\d+)")
_OFFSET = re.compile(r"\boff: (\d+)")
_MOVED = re.compile(r"old_off: (\d+).*new_off: (\d+)")
_LOCK = re.compile(r"LOCK xid \d+ db \d+ rel (\d+)")

# RelMapFile: a magic number, how many there are, then pairs (utils/cache/relmapper.c).
_MAP_MAGIC = 0x592717

_Place = tuple[int, int]


@dataclass(frozen=True)
class Catalogs:
    """In which files the catalogs of a database lie: VACUUM FULL moves them."""

    relations: int = _PG_CLASS
    types: int = _PG_TYPE
    schemas: int = _PG_NAMESPACE

    @classmethod
    def of(cls, data: Path, database: int) -> "Catalogs":
        """As the database's map says now; as initdb made them when it is gone."""
        try:
            content = (data / "base" / str(database) / "pg_filenode.map").read_bytes()
            magic, count = struct.unpack_from("=II", content)
            pairs = dict(struct.iter_unpack("=II", content[8 : 8 + 8 * count]))
        except (OSError, struct.error):
            return cls()
        if magic != _MAP_MAGIC:
            return cls()
        return cls(pairs.get(_PG_CLASS, _PG_CLASS), pairs.get(_PG_TYPE, _PG_TYPE))


@dataclass
class _Rows:
    """Rows of one catalog: which this transaction made itself, and how many others it deleted."""

    made: set[_Place] = field(default_factory=set)
    lost: int = 0

    def follow(self, text: str, places: list[int]) -> bool:
        """Take a record in; returns whether it changed a row that was there before.

        Args:
            text: the record's description.
            places: blocks it touches, the new one first.
        """
        offset, moved = _OFFSET.search(text), _MOVED.search(text)
        if text.startswith("INSERT") and offset:
            self.made.add((places[0], int(offset[1])))
        elif text.startswith("DELETE") and offset:
            self.lost += (places[0], int(offset[1])) not in self.made
        elif moved:
            if (places[-1], int(moved[1])) not in self.made:
                return True
            self.made.add((places[0], int(moved[2])))
        return False


@dataclass
class Deeds:
    """What a transaction did.

    Attributes:
        locked: object ids of relations it locked against everybody.
    """

    locked: list[int] = field(default_factory=list)
    _replacing: set[int] = field(default_factory=set)
    _built: set[int] = field(default_factory=set)
    _relations: _Rows = field(default_factory=_Rows)
    _types: _Rows = field(default_factory=_Rows)
    _schemas: _Rows = field(default_factory=_Rows)
    _made: int | None = None

    @property
    def kind(self) -> Kind | None:
        """The gravest of them; None for harmless work."""
        if self._schemas.lost:
            return Kind.SCHEMA
        # Tables have a row type, indexes and sequences have none.
        if self._relations.lost and self._types.lost:
            return Kind.TABLE
        # New files in the place of others, left empty or filled with new rows only.
        return Kind.TRUNCATE if self._replacing - self._built else None

    def take(self, record: Record, catalogs: Catalogs) -> None:
        """Read one record of the transaction."""
        lock = _LOCK.match(record.text)
        if lock:
            self.locked.append(int(lock[1]))
        elif record.manager == "Storage" and record.text.startswith("CREATE"):
            self._made = _number(record.text)
        else:
            self._touched(record, catalogs)

    def _touched(self, record: Record, catalogs: Catalogs) -> None:
        blocks = _BLOCK.findall(record.text)
        if not blocks:
            return
        file, places = int(blocks[0][1]), [int(block) for _, _, block in blocks]
        if file == catalogs.relations:
            self._relation(record.text, places)
        elif file == catalogs.types:
            self._types.follow(record.text, places)
        elif file == catalogs.schemas:
            self._schemas.follow(record.text, places)
        elif record.manager not in ("Heap", "Heap2") and "FPI_FOR_HINT" not in record.text:
            # An index, or a table that was copied page by page: built anew, nothing is lost.
            self._built |= {int(number) for _, number, _ in blocks}

    def _relation(self, text: str, places: list[int]) -> None:
        """A row of pg_class: the first one after a new file says whose file that is."""
        changed_old = self._relations.follow(text, places)
        if text.startswith("INSERT"):
            self._made = None
        elif "UPDATE" in text:
            if changed_old and self._made is not None:
                self._replacing.add(self._made)
            self._made = None


def deeds(records: Iterable[Record], catalogs: Catalogs) -> Deeds:
    """What the transaction did whose records these are, in their order."""
    done = Deeds()
    for record in records:
        done.take(record, catalogs)
    return done


def database_of(file: str) -> int:
    """The database of a relation's file, such as ``base/16384/16401``."""
    parts = file.split("/")
    return int(parts[-2]) if len(parts) > 2 and parts[-2].isdigit() else 0


def _number(text: str) -> int | None:
    last = text.rpartition("/")[2].partition("_")[0]
    return int(last) if last.isdigit() else None
