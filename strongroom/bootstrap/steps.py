"""The bootstrap itself: idempotent, and audited afterwards at every refresh."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from strongroom.bootstrap.borrowing import borrowed
from strongroom.bootstrap.root import Root
from strongroom.errors import StrongroomError
from strongroom.marker import marker
from strongroom.tiers import APP_OWNER, PROVISIONER, REPLICATOR

# DATCONNLIMIT_INVALID_DB in PostgreSQL's pg_database.h.
_INVALID = -2

#: Triggers put on or taken off in one transaction.
_AT_ONCE = 200

#: What root runs in the application's database, in one transaction and in this order.
_APPLICATION = (*("application", "recording", "guard", "heartbeat", "mass", "event_triggers"),)


@dataclass(frozen=True)
class Foundation:
    """What root lays in a cluster, for everything else to build on.

    Attributes:
        database: the application's database, owned by root; made in a new cluster only.
        guarded: schemas whose tables are dropped or given away only by a session that names them.
        environment: the stack's name, for the marker.
        kept_from_laptops: whether `strongroom guard` stops commands that would reach it.
        mass_change_rows: the most rows one UPDATE or DELETE may touch on guarded tables without
            naming them, 1 or more; 0 for no limit.
        replicator: whether replicas sign in with a role of ours; RDS has one of its own.
        taken_over: whether the cluster is somebody's from before, so the database has to be there.
    """

    database: str
    guarded: tuple[str, ...] = ()
    environment: str = "local"
    kept_from_laptops: bool = True
    mass_change_rows: int = 0
    replicator: bool = True
    taken_over: bool = False

    @property
    def roles(self) -> list[str]:
        """The roles that root makes."""
        return [PROVISIONER, APP_OWNER, *([REPLICATOR] if self.replicator else [])]

    def values(self, root: str) -> dict[str, sql.Composable]:
        """What the SQL files leave open; `root` is the name of who runs them."""
        return {
            "database": sql.Identifier(self.database),
            "owner": sql.Identifier(root),
            "root": sql.Literal(root),
            "roles": sql.Literal(self.roles),
            "schemas": sql.Literal(sorted(self.guarded)),
            "marker": sql.Literal(marker(self.environment, self.kept_from_laptops)),
            "most": sql.Literal(self.mass_change_rows),
        }


def bootstrap(root: Root, foundation: Foundation) -> None:
    """Bring a cluster to the state every access model of Strongroom builds on.

    Args:
        root: root of a running cluster: a superuser, or the master of an RDS instance.
        foundation: what to lay there.

    Raises:
        StrongroomError: the database was lost, or PostgreSQL refused a step.
    """
    try:
        _bootstrap(root, foundation)
    except psycopg.Error as error:
        raise StrongroomError(
            f"The bootstrap of {root.where} was stopped halfway: "
            f"{' '.join(str(error).split())}. Nothing is lost by that. Mend the cause, such as a "
            "session that holds a lock, and run `pulumi up` again."
        ) from error


def _bootstrap(root: Root, wanted: Foundation) -> None:
    with root.connect() as connection:
        values = wanted.values(_name(connection))
        if lost := _lost(connection, wanted.database):
            if wanted.taken_over:
                raise _not_there(root, connection, wanted.database)
            # Roles are made after the database, so where there are roles there was a database.
            if _has_role(connection, APP_OWNER):
                raise _vanished(root, lost)
            # template0: what somebody put into template1 does not belong in the application.
            create = "CREATE DATABASE {database} TEMPLATE template0 OWNER {owner}"
            connection.execute(sql.SQL(create).format(**values))
        open_up = "ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT -1"
        connection.execute(sql.SQL(open_up).format(**values))
        connection.execute(sql_text("cluster"))
        if wanted.replicator:
            connection.execute(sql_text("replicator"))
        with borrowed(connection, PROVISIONER):
            connection.execute(sql_text("strays"))
        # RDS keeps databases of its own, which its master cannot enter; nobody enters one whose
        # drop was cut off.
        query = (
            "SELECT datname FROM pg_database "
            "WHERE datallowconn AND datconnlimit <> %s AND pg_has_role(datdba, 'USAGE')"
        )
        databases = [name for (name,) in connection.execute(query, [_INVALID])]
    for name in databases:
        with root.connect(name) as connection:
            connection.execute(sql_text("every_database"))
    with root.connect(wanted.database) as connection, borrowed(connection, PROVISIONER):
        for name in _APPLICATION:
            connection.execute(_filled(name, values))
    with root.connect(wanted.database) as connection:
        for change in ("unwatch", "watch"):
            _until_done(connection, change, wanted.mass_change_rows)


def _until_done(connection: psycopg.Connection[Any], change: str, most: int) -> None:
    """Let a function do its work in transactions that are small enough for the lock table."""
    statement = sql.SQL("SELECT {}(%s, %s)").format(sql.Identifier("strongroom", change))
    left = True
    while left:
        with borrowed(connection, PROVISIONER):
            left = connection.execute(statement, [most, _AT_ONCE]).fetchone() != (0,)


def audit(root: Root, foundation: Foundation) -> list[str]:
    """One sentence for each thing that is not as `bootstrap` leaves it; empty when all is well."""
    database = foundation.database
    try:
        with root.connect() as connection:
            if lost := _lost(connection, database):
                return [lost]
        with root.connect(database) as connection:
            query = _filled("audit", foundation.values(_name(connection)))
            problems = [sentence for (sentence,) in connection.execute(query)]
            return problems + _guard_problems(connection, sorted(foundation.guarded))
    except (StrongroomError, psycopg.Error) as error:
        return [f"root could not look into database {database}: {' '.join(str(error).split())}"]


def digest() -> str:
    """Tells two versions of the bootstrap apart: 12 hexadecimal digits over all its SQL."""
    texts = [
        sql_text(name)
        for name in ("cluster", "replicator", "strays", "every_database", *_APPLICATION)
    ]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _name(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SELECT current_user::text").fetchone()
    return str(row[0]) if row else ""


def _lost(connection: psycopg.Connection[Any], database: str) -> str | None:
    """What became of the database, in one sentence; None when it is there."""
    query = "SELECT datconnlimit FROM pg_database WHERE datname = %s"
    row = connection.execute(query, [database]).fetchone()
    if row is None:
        return f"database {database} is gone"
    if row[0] == _INVALID:
        return f"database {database} is invalid, because dropping it was begun"
    return None


def _has_role(connection: psycopg.Connection[Any], role: str) -> bool:
    query = "SELECT count(*) FROM pg_roles WHERE rolname = %s"
    return connection.execute(query, [role]).fetchone() == (1,)


def _vanished(root: Root, lost: str) -> StrongroomError:
    return StrongroomError(
        f"In {root.where}, {lost}: somebody with root's rights did that (the server's log says "
        "when and who). An empty one in its place would hide the loss, so nothing was done. "
        "Recover it from the replica or a snapshot. To start anew with an empty database instead: "
        f"{root.afresh}."
    )


def _not_there(root: Root, connection: psycopg.Connection[Any], database: str) -> StrongroomError:
    query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
    there = ", ".join(name for (name,) in connection.execute(query))
    return StrongroomError(
        f"{root.where} was taken over and has no database {database} that can be entered, so "
        f"nothing was done: an empty one is not what is to be guarded. There are {there}. Set "
        "strongroom:database to the application's; if it was there, recover it first."
    )


def _guard_problems(connection: psycopg.Connection[Any], guarded: list[str]) -> list[str]:
    try:
        found = [name for (name,) in connection.execute(sql_text("guarded"))]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return ["the list of guarded schemas is missing"]
    if found == guarded:
        return []
    return [f"guarded are {', '.join(found) or 'no schemas'} instead of {', '.join(guarded)}"]


def _filled(name: str, values: dict[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(sql_text(name)).format(**values)


def sql_text(name: str) -> LiteralString:
    """The SQL of one of the files beside this one, by its name without ending."""
    text: Any = resources.files("strongroom.bootstrap").joinpath(f"sql/{name}.sql").read_text()
    return cast("LiteralString", text)
