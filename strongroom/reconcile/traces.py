"""What one transaction did, told from its records in the WAL: rows of files, by their places."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from strongroom.incident.transactions import FIRST_NORMAL
from strongroom.incident.waldump import Finish, Record

#: Where a row lies in its file: block and number within it.
Place = tuple[int, int]

# Rows of one transaction that are followed one by one; of more only the number is known.
_FOLLOWED = 20_000

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
        changed: that of the last by which it changed something, 0 for none.
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
    changed: int = 0
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
        self.changed = max(self.changed, part.changed)
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
        self.first = min(self.first, record.lsn)
        self.last = self.changed = record.lsn
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
