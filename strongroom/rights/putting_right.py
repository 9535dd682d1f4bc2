"""Take back what nobody declared and give what is missing, as far as the provisioner can.

It acts as itself and as app_owner: what they granted they can take back, what they own they can
grant. The rest, such as an attribute, an owner or a grant of root's, is left for `compare` to name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from strongroom.rights.comparison import Deviation, Extra, Lacking
from strongroom.rights.model import DATABASE, OWNER, PUBLIC, Shape
from strongroom.tiers import APP_OWNER, PROVISIONER

#: GRANT's word for each kind of object that is put right here.
KINDS = {
    "database": "DATABASE",
    "schema": "SCHEMA",
    "table": "TABLE",
    "column": "TABLE",
    "sequence": "SEQUENCE",
    "routine": "ROUTINE",
    "type": "TYPE",
}

#: ALTER DEFAULT PRIVILEGES' word for each.
FUTURE = {
    "future table": "TABLES",
    "future sequence": "SEQUENCES",
    "future routine": "ROUTINES",
    "future type": "TYPES",
    "future schema": "SCHEMAS",
}

#: Objects named in one statement.
_AT_ONCE = 500


@dataclass(frozen=True)
class _Change:
    """A REVOKE or GRANT, and whom it has to come from."""

    by: str
    statement: sql.Composed


def put_right(connection: psycopg.Connection[Any], deviations: Iterable[Deviation]) -> None:
    """Revoke and grant, each in a savepoint of its own: one that is refused stops no other.

    Args:
        connection: the provisioner's, in a transaction.
        deviations: what `comparison.compare` found; to see what is left, compare again.
    """
    for deviation in deviations:
        for change in _changes(connection, deviation):
            try:
                with connection.transaction():
                    become = sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(change.by))
                    connection.execute(become)
                    connection.execute(change.statement)
                    connection.execute("RESET ROLE")
            except psycopg.errors.InsufficientPrivilege:
                continue  # what is left is told by name


def _changes(connection: psycopg.Connection[Any], deviation: Deviation) -> Iterator[_Change]:
    cause = deviation.cause
    if isinstance(cause, Extra):
        grant, shape = cause.grant, cause.shape
        if grant.privilege == OWNER:
            return
        grantee = sql.SQL("PUBLIC") if grant.grantee == PUBLIC else sql.Identifier(grant.grantee)
        if shape.kind in FUTURE:
            if shape.owner in (APP_OWNER, PROVISIONER):
                what = by_default(shape.owner, shape.schema)
                revoke = sql.SQL("{} REVOKE {} ON {} FROM {}")
                words = (sql.SQL(grant.privilege), sql.SQL(FUTURE[shape.kind]), grantee)
                yield _Change(PROVISIONER, revoke.format(what, *words))
        elif grant.grantor in (APP_OWNER, PROVISIONER):
            revoke = sql.SQL("REVOKE {} ON {} FROM {} CASCADE")
            for privilege, objects in targets(connection, shape, grant.privilege):
                yield _Change(grant.grantor, revoke.format(privilege, objects, grantee))
    elif isinstance(cause, Lacking):
        yield from _grants(connection, cause)


def _grants(connection: psycopg.Connection[Any], lack: Lacking) -> Iterator[_Change]:
    area, privilege = lack.ability
    role = sql.Identifier(lack.role)
    if lack.shape is None:
        kind, _, schema = area.partition("s in ")
        if kind in FUTURE:
            grant = sql.SQL("{} GRANT {} ON {} TO {}")
            words = (sql.SQL(privilege), sql.SQL(FUTURE[kind]), role)
            yield _Change(PROVISIONER, grant.format(by_default(APP_OWNER, schema), *words))
        return
    owner = PROVISIONER if area == DATABASE else lack.shape.owner
    if owner in (APP_OWNER, PROVISIONER):
        grant = sql.SQL("GRANT {} ON {} TO {}")
        for given, objects in targets(connection, lack.shape, privilege):
            yield _Change(owner, grant.format(given, objects, role))


def by_default(owner: str, schema: str | None) -> sql.Composed:
    """How a statement about what `owner` makes later begins."""
    where = sql.SQL(" IN SCHEMA {}").format(sql.Identifier(schema)) if schema else sql.SQL("")
    words = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}{}")
    return words.format(sql.Identifier(owner), where)


def targets(
    connection: psycopg.Connection[Any], shape: Shape, privilege: str
) -> Iterator[tuple[sql.Composable, sql.Composable]]:
    """The privilege and the objects as GRANT takes them; PostgreSQL itself writes their names."""
    kind = KINDS.get(shape.kind)
    if kind is None:
        return
    if shape.kind == "column":
        for name, table in zip(shape.names, shape.ids, strict=True):
            row = connection.execute(
                "SELECT relname FROM pg_catalog.pg_class WHERE oid = %s", [table]
            ).fetchone()
            column = name.removeprefix(f"{row[0] if row else ''}.")
            (identity,) = identities(connection, shape.catalog, [table])
            given = sql.SQL("{} ({})").format(sql.SQL(privilege), sql.Identifier(column))
            yield given, sql.SQL("TABLE {}").format(identity)
        return
    for start in range(0, len(shape.ids), _AT_ONCE):
        objects = identities(connection, shape.catalog, shape.ids[start : start + _AT_ONCE])
        together = sql.SQL(", ").join(objects)
        yield sql.SQL(privilege), sql.SQL("{} {}").format(sql.SQL(kind), together)


def identities(
    connection: psycopg.Connection[Any], catalog: int, ids: Iterable[int]
) -> list[sql.Composable]:
    """Names as the server writes them, of objects of one catalog by their OIDs."""
    rows = connection.execute(
        "SELECT (pg_catalog.pg_identify_object(%s, id, 0)).identity "
        "FROM pg_catalog.unnest(%s::oid[]) AS id",
        [catalog, [*ids]],
    )
    return [sql.SQL(identity) for (identity,) in rows]
