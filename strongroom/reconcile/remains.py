"""What a point in the WAL cuts off: transactions, the rows they touched, and whose they were."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from strongroom.errors import StrongroomError
from strongroom.incident.events import Session

#: Text by column; None is NULL.
Values = Mapping[str, str | None]


class Did(StrEnum):
    """What became of a row."""

    INSERTED = "inserted"
    UPDATED = "updated"
    DELETED = "deleted"


class End(StrEnum):
    """How a transaction ended."""

    COMMITTED = "committed"
    CUT = "cut off"
    OPEN = "open"
    LATER = "committed later"
    UNDONE = "rolled back"


@dataclass(frozen=True)
class Row:
    """One row a transaction touched.

    Attributes:
        did: what it did to it, all in all.
        key: its primary key, as it is in the database or would have been; empty when it has none
            or it could not be read.
        before: what the row is without the transaction; empty for one it inserted.
        after: what it would have become; empty for one it deleted.
    """

    did: Did
    key: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Touched:
    """What a transaction did to one table.

    Attributes:
        table: its name with its schema, quoted where it has to be; or what is known instead.
        inserted: how many rows.
        updated: how many.
        deleted: how many.
        rows: those of them that are told one by one; the first ones when there are many.
        unknown: why not every row is told with its key; empty when each is.
    """

    table: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    rows: tuple[Row, ...] = ()
    unknown: str = ""

    @property
    def count(self) -> int:
        """How many rows."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Transaction:
    """One transaction.

    Attributes:
        id: its number.
        parts: numbers of its subtransactions that were not rolled back.
        database: where.
        first: the LSN of its first record within reach.
        last: that of its last one before the point.
        end: how it ended.
        ended: when (UTC); None while it was open.
        session: whose it was; None when the log does not tell.
        state: what the session was doing then, such as ``idle in transaction``.
        statements: what it ran, as far as that was logged.
        tables: what it did.
        catalogs: whether it made, changed or dropped objects.
        unknown: what cannot be known of it, and why.
    """

    id: int
    parts: tuple[int, ...]
    database: str
    first: str
    last: str
    end: End
    ended: datetime | None = None
    session: Session | None = None
    state: str = ""
    statements: tuple[str, ...] = ()
    tables: tuple[Touched, ...] = ()
    catalogs: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Idle:
    """A session that was ended and had changed nothing."""

    session: Session
    state: str
    at: datetime


@dataclass(frozen=True)
class Remains:
    """What was left behind at a point.

    Attributes:
        lsn: the point: just before the record there.
        timeline: of it.
        reason: what makes it the point; may be empty.
        time: the last end of a transaction before it (UTC); None when there is none within reach.
        scope: what is spoken of: a database, tables of it, or all databases.
        window: how many seconds before the point committed transactions are listed for.
        lost: transactions that had begun and are not part of what is there now, newest last.
        last: transactions committed within the window, newest last.
        untold: up to when committed transactions are not in `last`, because there were many (UTC).
        idle: sessions that were ended and had changed nothing.
        unknown: what cannot be known, and why.
        blind: whether `lost` may lack something for that.
    """

    lsn: str
    timeline: int
    reason: str
    time: datetime | None
    scope: str
    window: int
    lost: tuple[Transaction, ...] = ()
    last: tuple[Transaction, ...] = ()
    untold: datetime | None = None
    idle: tuple[Idle, ...] = ()
    unknown: tuple[str, ...] = ()
    blind: bool = False

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        values: dict[str, Any] = _REMAINS.dump_python(self, mode="json")
        return values

    @classmethod
    def load(cls, text: str | bytes, source: str) -> "Remains":
        """From the JSON of what `dump` gave.

        Args:
            text: the JSON.
            source: where it lay, for the error.

        Raises:
            StrongroomError: it is something else.
        """
        try:
            return _REMAINS.validate_json(text)
        except ValidationError as error:
            raise StrongroomError(
                f"{source} tells what was cut off and cannot be read ({error.errors()[0]['msg']}), "
                "so nothing is reported rather than half of it. Move the file away and name the "
                "point (`--to LSN`): then the WAL is asked again."
            ) from error


_REMAINS = TypeAdapter(Remains)
