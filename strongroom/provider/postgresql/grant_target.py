"""The objects a Grant is about: what a role holds on them, and the statements that change it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from strongroom.provider.postgresql.privileges import ALL, ALLOWED, Held, words
from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.session import Row


@dataclass(frozen=True)
class _Kind:
    """How one type of object is found and named in GRANT.

    Attributes:
        objects: the query that finds the objects.
        word: the word GRANT has for them.
        kinds: the relkind or prokind they have ("pg_class", "pg_proc").
    """

    objects: str
    word: str
    kinds: tuple[str, ...] = ()


KINDS: Mapping[str, _Kind] = {
    "database": _Kind("object_database", "DATABASE"),
    "schema": _Kind("object_schema", "SCHEMA"),
    "table": _Kind("object_relation", "TABLE", ("r", "v", "m", "f", "p")),
    "sequence": _Kind("object_relation", "SEQUENCE", ("S",)),
    "function": _Kind("object_routine", "ROUTINE", ("f", "a", "w")),
    "procedure": _Kind("object_routine", "ROUTINE", ("p",)),
    "routine": _Kind("object_routine", "ROUTINE", ("f", "a", "w", "p")),
    "column": _Kind("object_column", "TABLE", ("r", "v", "m", "f", "p")),
}


@dataclass(frozen=True)
class Object:
    """One object, and what the role holds on it.

    Attributes:
        name: as GRANT takes it, after the schema.
        listed: the entry of objects (or columns) that means it.
        owner: who owns it, and so can grant on it.
        held: what the role holds.
    """

    name: str
    listed: str
    owner: str
    held: Held


@dataclass(frozen=True)
class Target:
    """Whose privileges on what.

    Attributes:
        role: the grantee; ``public`` is everybody.
        database: where.
        object_type: a key of `KINDS`.
        schema: where in the database, but for the database itself.
        objects: which; none means all in the schema.
        columns: which columns, for columns.
    """

    role: str
    database: str
    object_type: str
    schema: str | None = None
    objects: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Target":
        """The target that inputs or a state, as the engine has them, are about."""
        return cls(
            role=values["role"],
            database=values["database"],
            object_type=values["objectType"],
            schema=values.get("schema") or None,
            objects=tuple(values.get("objects") or ()),
            columns=tuple(values.get("columns") or ()),
        )

    def __str__(self) -> str:
        what = self.object_type
        if what == "database":
            return f"database {self.database}"
        if what == "schema":
            return f"schema {self.schema}"
        if what == "column":
            return f"columns {', '.join(self.columns)} of {self.schema}.{', '.join(self.objects)}"
        which = f"{', '.join(self.objects)} ({what})" if self.objects else f"every {what}"
        return f"{which} in schema {self.schema}"

    @property
    def place(self) -> str | None:
        """The database to work in; for a database itself the provider's own will do."""
        return None if self.object_type == "database" else self.database

    @property
    def listed(self) -> tuple[str, ...]:
        """The objects asked for by name."""
        return self.columns if self.object_type == "column" else self.objects

    @property
    def question(self) -> sql.Composed:
        """The query for what the role holds; takes `values`."""
        return query("held").format(objects=query(KINDS[self.object_type].objects))

    def values(self, privileges: Iterable[str]) -> dict[str, Any]:
        """The parameters of `question`.

        Args:
            privileges: what is asked for. Several Grants may share a column, each with one
                privilege of its own, so a column is judged by what is asked for alone.
        """
        asked = frozenset(privileges)
        narrow = self.object_type == "column" and ALL not in asked
        return {
            "role": self.role,
            "database": self.database,
            "schema": None if self.object_type == "database" else self.schema,
            "objects": list(self.objects) or None,
            "columns": list(self.columns),
            "kinds": list(KINDS[self.object_type].kinds),
            "judged": sorted(asked if narrow else ALLOWED[self.object_type]),
        }

    def grant(
        self, privileges: Iterable[str], objects: Sequence[Object], *, option: bool
    ) -> sql.Composed:
        """GRANT on some of the objects."""
        end = sql.SQL(" WITH GRANT OPTION" if option else "")
        return sql.SQL("GRANT {} ON {} TO {}{}").format(
            self._words(privileges, objects), self._on(objects), sql.Identifier(self.role), end
        )

    def revoke(
        self, privileges: Iterable[str], objects: Sequence[Object], *, option: bool = False
    ) -> sql.Composed:
        """REVOKE on some of the objects; with `option` only the right to grant on."""
        start = sql.SQL("GRANT OPTION FOR " if option else "")
        return sql.SQL("REVOKE {}{} ON {} FROM {}").format(
            start, self._words(privileges, objects), self._on(objects), sql.Identifier(self.role)
        )

    def _words(self, privileges: Iterable[str], objects: Sequence[Object]) -> sql.Composed:
        if self.object_type != "column":
            return words(privileges)
        columns = sql.SQL(", ").join(sql.Identifier(each.name) for each in objects)
        return sql.SQL(", ").join(
            sql.SQL("{} ({})").format(words([each]), columns) for each in sorted(privileges)
        )

    def _on(self, objects: Sequence[Object]) -> sql.Composed:
        kind = sql.SQL(KINDS[self.object_type].word)
        return kind + sql.SQL(" ") + sql.SQL(", ").join(self._named(objects))

    def _named(self, objects: Sequence[Object]) -> list[sql.Composable]:
        schema = self.schema or ""
        match self.object_type:
            case "database" | "schema":
                return [sql.Identifier(each.name) for each in objects]
            case "column":
                return [sql.Identifier(schema, table) for table in self.objects]
            case "table" | "sequence":
                return [sql.Identifier(schema, each.name) for each in objects]
            case _:
                # PostgreSQL's own regprocedure spelling: quoted, with schema and argument types.
                return [sql.SQL(each.name) for each in objects]


def found(rows: Iterable[Row]) -> list[Object]:
    """The objects in the answer to a target's `question`."""
    return [
        Object(
            name=row["name"],
            listed=row["listed"],
            owner=row["owner"],
            held=Held(
                row["label"],
                frozenset(row["privileges"]),
                frozenset(row["grantable"]),
                tuple(row["grantors"]),
            ),
        )
        for row in rows
        if row["name"] is not None
    ]
