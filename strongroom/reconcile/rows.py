"""Rows by their places in one database: the living ones, and those that were never committed."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from strongroom.reconcile import pages
from strongroom.reconcile.remains import Values
from strongroom.reconcile.traces import Place

# Characters of a value that are told.
_LONGEST = 200
_SCRATCH = sql.Identifier("pg_temp", "strongroom_scratch")


@dataclass(frozen=True)
class Relation:
    """What a file of a database belongs to.

    Attributes:
        file: the file's number.
        oid: the relation's.
        name: with its schema, quoted where it has to be.
        kind: as pg_class tells it: ``r`` a table, ``t`` one of long values, ``i`` an index.
        path: of its first file, below the data folder.
        schema: the schema's name.
    """

    file: int
    oid: int
    name: str
    kind: str
    path: str
    schema: str


@dataclass(frozen=True)
class Column:
    """A column as rows have it: a dropped one is NULL, of whatever type."""

    name: str
    type: str
    dropped: bool
    in_key: bool


@dataclass(frozen=True)
class Read:
    """One row, text by column.

    Attributes:
        key: the columns of its key, in the table's order.
        values: all columns.
        writer: the transaction that wrote it.
        ender: the last one that changed, deleted or locked it; 0 for none.
    """

    key: Values
    values: Values
    writer: int = 0
    ender: int = 0


@dataclass(frozen=True)
class Database:
    """One database of a server that can be asked.

    Attributes:
        session: root's, in it.
        data: the server's data folder.
    """

    session: psycopg.Connection[Any]
    data: Path

    def relations(self, numbers: Collection[int]) -> dict[int, Relation]:
        """Relations by the number of their file, as far as they are there."""
        with self.session.cursor(row_factory=class_row(Relation)) as cursor:
            found = cursor.execute(query("relations"), {"files": list(numbers)}).fetchall()
        return {each.file: each for each in found}

    def columns(self, relation: Relation) -> list[Column]:
        """The columns of a table, dropped ones too, in their order."""
        with self.session.cursor(row_factory=class_row(Column)) as cursor:
            return cursor.execute(query("columns"), {"table": relation.oid}).fetchall()

    def living(self, relation: Relation, places: Iterable[Place]) -> dict[Place, Read]:
        """Rows everybody sees, by their places."""
        wanted = [f"({block},{number})" for block, number in places]
        if not wanted:
            return {}
        columns = self.columns(relation)
        names = [sql.Identifier(column.name) for column in columns if not column.dropped]
        found = self.session.execute(
            sql.SQL(
                "SELECT ctid::text, xmin::text, xmax::text, {} FROM ONLY {} "
                "WHERE ctid = ANY({}::tid[])"
            ).format(_as_text(names), sql.SQL(relation.name), sql.Literal(wanted))
        )
        return {
            _place(ctid): _read(columns, values, int(writer), int(ender))
            for ctid, writer, ender, values in found
        }

    def unborn(self, relation: Relation, rows: Mapping[Place, bytes]) -> dict[Place, Read]:
        """Rows that nobody sees, by their places: read as if they had been committed.

        The server reads them from a temporary table of the same shape, which is undone at once.
        Long values that are kept aside are read too: the server asks there only whether a value
        was written, not whether that was committed.

        Args:
            relation: the table they are of.
            rows: their bytes, as `pages.raw_rows` gives them.
        """
        if not rows:
            return {}
        content, where = pages.as_committed(rows)
        columns = self.columns(relation)
        numbered = [sql.Identifier(f"c{number}") for number in range(len(columns))]
        shape = sql.SQL(", ").join(
            sql.SQL("{} {}").format(name, sql.SQL(column.type))
            for name, column in zip(numbered, columns, strict=True)
        )
        kept = [name for name, each in zip(numbered, columns, strict=True) if not each.dropped]
        with self.session.transaction(force_rollback=True):
            self.session.execute(sql.SQL("CREATE TABLE {} ({})").format(_SCRATCH, shape))
            self._fill(content)
            found = self.session.execute(
                sql.SQL("SELECT ctid::text, {} FROM {}").format(_as_text(kept), _SCRATCH)
            ).fetchall()
        read = {_place(ctid): _read(columns, values) for ctid, values in found}
        return {place: read[there] for place, there in where.items() if there in read}

    def _fill(self, content: bytes) -> None:
        """Write the pages of the temporary table, whose file is empty, behind the server's back."""
        query = "SELECT pg_relation_filepath('pg_temp.strongroom_scratch')"
        row = self.session.execute(query).fetchone()
        path = self.data / str(row[0] if row else "")
        with path.open("r+b") as file:
            file.write(content)


def _as_text(names: Sequence[sql.Composable]) -> sql.Composed:
    """Columns as an array of text, the beginning of each.

    By the output functions of their types, which only superusers make: a cast to text may be
    anybody's, and would run as root.
    """
    each = sql.SQL("CASE num_nulls({0}) WHEN 0 THEN left(format('%s', {0}), {1}) END")
    most = sql.Literal(_LONGEST + 1)
    parts = sql.SQL(", ").join(each.format(name, most) for name in names)
    return sql.SQL("ARRAY[{}]::text[]").format(parts)


def _read(
    columns: Iterable[Column], values: Iterable[str | None], writer: int = 0, ender: int = 0
) -> Read:
    kept = [column for column in columns if not column.dropped]
    texts = {column.name: told(value) for column, value in zip(kept, values, strict=True)}
    key = {column.name: texts[column.name] for column in kept if column.in_key}
    return Read(key, texts, writer, ender)


def told(value: object) -> str | None:
    """A value as text, the beginning of it; None for NULL."""
    text = value if isinstance(value, str) else None if value is None else json.dumps(value)
    return f"{text[:_LONGEST]} …" if text is not None and len(text) > _LONGEST else text


def _place(ctid: str) -> Place:
    block, number = ctid.strip("()").split(",")
    return int(block), int(number)


@cache
def query(name: str) -> bytes:
    """The query in ``sql/<name>.sql``."""
    return files("strongroom.reconcile").joinpath(f"sql/{name}.sql").read_bytes()
