"""Putting single tables back, with everything that belongs to them."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from strongroom.bootstrap.local import LocalRoot
from strongroom.errors import StrongroomError
from strongroom.incident.events import RECOVERY
from strongroom.recovery import properties
from strongroom.recovery.children import watch
from strongroom.recovery.transfer import Transfer, signed_in

_LONGEST_NAME = 63
_SUFFIX = "_recovered"

# Views that show one of the tables, directly or through each other.
_VIEWS = """
    WITH RECURSIVE shown AS (
        SELECT ev_class AS id FROM pg_depend JOIN pg_rewrite AS r ON r.oid = objid
        WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass
          AND refobjid = ANY (%(tables)s::regclass[]) AND ev_class <> refobjid
        UNION
        SELECT ev_class FROM shown JOIN pg_depend ON refobjid = id
        JOIN pg_rewrite AS r ON r.oid = objid
        WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass
          AND ev_class <> id
    )
    SELECT format('%%I.%%I', nspname, relname) FROM shown JOIN pg_class AS c ON c.oid = id
    JOIN pg_namespace AS n ON n.oid = relnamespace ORDER BY 1
"""
# Foreign keys that others have to one of the tables.
_KEYS = """
    SELECT format('%%I.%%I', nspname, relname), conname::text, pg_get_constraintdef(k.oid)
    FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = conrelid
    JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE contype = 'f' AND conparentid = 0 AND confrelid = ANY (%(tables)s::regclass[])
      AND conrelid <> ALL (%(tables)s::regclass[])
"""
# What has a name of its own in the table's schema, and would meet that of the table that is there.
_NAMED = """
    SELECT relkind::text, relname::text FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
    WHERE indrelid = %(table)s::regclass
    UNION ALL
    SELECT relkind::text, relname::text FROM pg_depend JOIN pg_class AS c ON c.oid = objid
    WHERE classid = 'pg_class'::regclass AND refobjid = %(table)s::regclass AND relkind = 'S'
      AND deptype IN ('a', 'i')
"""


@dataclass(frozen=True)
class Tables:
    """Some tables of one database, on their way from the copy into the primary.

    Attributes:
        transfer: from where, where to.
        names: of the tables, as ``schema.name``, each quoted where it has to be.
    """

    transfer: Transfer
    names: tuple[str, ...]

    def dump(self) -> dict[str, str]:
        """Dump them, under another name where the primary has one of theirs.

        Returns:
            what each will be called in the primary.

        Raises:
            StrongroomError: one was not there at the target, or its schema is not there now.
        """
        with self._here() as here, self._there() as there:
            self._refuse_unknown(here, there)
            landing = {name: _landing(here, there, name) for name in self.names}
            for name, lands in landing.items():
                if lands != name and _exists(here, name):
                    _rename(here, name, lands)
            whole = [lands for name, lands in landing.items() if lands == name]
            views = [name for name in _asked(here, _VIEWS, whole) if not _exists(there, name[0])]
        patterns = [f"--table-and-children={name}" for name in landing.values()]
        self.transfer.dump(*patterns, *(f"--table={view}" for (view,) in views))
        return landing

    def restore(self, landing: dict[str, str]) -> list[str]:
        """Put them into the primary, all or none.

        Returns:
            what could not be put back with them, and what is called differently.
        """
        transfer = self.transfer
        root = LocalRoot(transfer.primary)
        with self._here() as here, root.connect() as there:
            properties.make_roles(here, there, transfer.database)
        with self._there() as there:
            arrived = all(_exists(there, lands) for lands in landing.values())
        if not arrived:  # else a run was killed after this
            with root.connect() as there:
                properties.end_work(there, RECOVERY)
            watch(
                transfer.primary.user,
                *(transfer.primary.package.tool("pg_restore"), "--single-transaction"),
                *("--exit-on-error", f"--dbname={transfer.database}", "--verbose"),
                transfer.folder,
                environment=signed_in(root),
                note=transfer.note,
            )
        with self._here() as here, self._there() as there:
            self._compare(here, there, list(landing.values()))
            renamed = [
                f"{name} is there again, so it was put back as {lands}"
                for name, lands in landing.items()
                if name != lands
            ]
            whole = [lands for name, lands in landing.items() if lands == name]
            return [*renamed, *_keys(here, there, whole)]

    def _compare(
        self, here: psycopg.Connection[Any], there: psycopg.Connection[Any], tables: list[str]
    ) -> None:
        for name in tables:
            query = f"SELECT count(*) FROM {name}".encode()  # noqa: S608 - quoted by PostgreSQL
            wanted, found = here.execute(query).fetchone(), there.execute(query).fetchone()
            if wanted != found:
                raise StrongroomError(
                    f"{name} had {wanted} rows when it was lost and has {found} now, so somebody "
                    "writes into it already. Nothing is missing from the copy, which is kept; "
                    "look at both before `strongroom recover --abandon` removes it."
                )

    def _refuse_unknown(
        self, here: psycopg.Connection[Any], there: psycopg.Connection[Any]
    ) -> None:
        for name in self.names:
            if not (_exists(here, name) or _exists(here, _renamed(here, name))):
                raise StrongroomError(
                    f"There was no table {name} in {self.transfer.database} at the point that was "
                    "recovered, so it cannot be put back and nothing was changed. Name it as "
                    "schema.table, or give another point; `strongroom recover --abandon` first."
                )
            query = "SELECT to_regnamespace(split_part(%s, '.', 1)) IS NULL"
            if there.execute(query, [name]).fetchone() == (True,):
                raise StrongroomError(
                    f"The schema of {name} is not there any more, so the table has no place to "
                    "come back to. `make up` makes the schemas of the roster again; then run "
                    "`strongroom recover` again. Or bring back the whole database, without --table."
                )

    def _here(self) -> psycopg.Connection[Any]:
        session = self.transfer.recovered.root.connect(self.transfer.database)
        session.execute("SET event_triggers = off")
        return session

    def _there(self) -> psycopg.Connection[Any]:
        return LocalRoot(self.transfer.primary).connect(self.transfer.database)


def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,)


def _landing(here: psycopg.Connection[Any], there: psycopg.Connection[Any], name: str) -> str:
    """What a table is called in the primary: its name, unless one is called that."""
    lands = _renamed(here, name)
    if _exists(here, lands) and not _exists(here, name):
        return lands  # a run that was killed got as far as this
    return lands if _exists(there, name) else name


def _parts(connection: psycopg.Connection[Any], name: str) -> tuple[str, str]:
    """Schema and name, unquoted."""
    row = connection.execute("SELECT parse_ident(%s)", [name]).fetchone()
    schema, table = row[0] if row else ("", "")
    return schema, table


def _renamed(connection: psycopg.Connection[Any], name: str) -> str:
    schema, table = _parts(connection, name)
    row = connection.execute(
        "SELECT format('%%I.%%I', %s::text, %s::text)", [schema, _other(table)]
    )
    return str((row.fetchone() or ("",))[0])


def _other(name: str) -> str:
    return f"{name[: _LONGEST_NAME - len(_SUFFIX)]}{_SUFFIX}"


def _rename(here: psycopg.Connection[Any], name: str, lands: str) -> None:
    """Rename a table of the copy and all that has a name beside it."""
    (schema, old), (_, new) = _parts(here, name), _parts(here, lands)
    with here.transaction():
        for kind, beside in here.execute(_NAMED, {"table": name}).fetchall():
            what = sql.SQL("SEQUENCE" if kind == "S" else "INDEX")
            here.execute(
                sql.SQL("ALTER {} {} RENAME TO {}").format(
                    what, sql.Identifier(schema, beside), sql.Identifier(_other(beside))
                )
            )
        here.execute(
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(
                sql.Identifier(schema, old), sql.Identifier(new)
            )
        )


def _asked(here: psycopg.Connection[Any], query: str, tables: list[str]) -> list[tuple[Any, ...]]:
    return here.execute(query.encode(), {"tables": tables}).fetchall() if tables else []


def _keys(
    here: psycopg.Connection[Any], there: psycopg.Connection[Any], tables: list[str]
) -> list[str]:
    """Put foreign keys of others back that went with the tables; returns those that could not."""
    left = []
    for owner, key, definition in _asked(here, _KEYS, tables):
        query = "SELECT FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s"
        if not _exists(there, owner) or there.execute(query, [owner, key]).fetchone() is not None:
            continue
        statement = (
            f"ALTER TABLE {owner} ADD CONSTRAINT {sql.Identifier(key).as_string()} {definition}"
        )
        try:
            there.execute(statement.encode())
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            left.append(f"the foreign key {key} of {owner} could not be put back: {reason}")
    return left
