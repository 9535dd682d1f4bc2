"""The bootstrap itself: idempotent, and audited afterwards at every refresh."""

import hashlib
from collections.abc import Iterable
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from strongroom.bootstrap.root import Root
from strongroom.errors import StrongroomError
from strongroom.tiers import APP_OWNER, ROOT

# DATCONNLIMIT_INVALID_DB in PostgreSQL's pg_database.h.
_INVALID = -2


def bootstrap(root: Root, database: str, guarded: Iterable[str]) -> None:
    """Bring a cluster to the state every access model of Strongroom builds on.

    Args:
        root: root of a running cluster.
        database: the application's database, owned by root; made in a new cluster only.
        guarded: schemas whose tables are dropped only by a session that names them.

    Raises:
        StrongroomError: the database was lost, or PostgreSQL refused a step.
    """
    try:
        _bootstrap(root, database, guarded)
    except psycopg.Error as error:
        raise StrongroomError(
            f"The bootstrap of {root.cluster.directory.name} was stopped halfway: "
            f"{' '.join(str(error).split())}. Nothing is lost by that. Mend the cause, such as a "
            "session that holds a lock, and run `pulumi up` again."
        ) from error


def _bootstrap(root: Root, database: str, guarded: Iterable[str]) -> None:
    names = {"database": sql.Identifier(database), "root": sql.Identifier(ROOT)}
    with root.connect() as connection:
        if lost := _lost(connection, database):
            # Roles are made after the database, so where there are roles there was a database.
            if _has_role(connection, APP_OWNER):
                raise _vanished(root, lost)
            # template0: what somebody put into template1 does not belong in the application.
            create = "CREATE DATABASE {database} TEMPLATE template0 OWNER {root}"
            connection.execute(sql.SQL(create).format(**names))
        open_up = "ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT -1"
        connection.execute(sql.SQL(open_up).format(**names))
        connection.execute(_text("cluster"))
        connection.execute(_text("strays"))
        enterable = connection.execute("SELECT datname FROM pg_database WHERE datallowconn")
        databases = [name for (name,) in enterable]
    for name in databases:
        with root.connect(name) as connection:
            connection.execute(_text("every_database"))
    with root.connect(database) as connection, connection.transaction():
        connection.execute(sql.SQL(_text("application")).format(**names))
        schemas = sql.Literal(sorted(guarded))
        connection.execute(sql.SQL(_text("guard")).format(schemas=schemas))


def audit(root: Root, database: str, guarded: Iterable[str]) -> list[str]:
    """One sentence for each thing that is not as `bootstrap` leaves it; empty when all is well."""
    try:
        with root.connect() as connection:
            if lost := _lost(connection, database):
                return [lost]
        with root.connect(database) as connection:
            query = sql.SQL(_text("audit")).format(root=sql.Literal(ROOT))
            problems = [sentence for (sentence,) in connection.execute(query)]
            return problems + _guard_problems(connection, sorted(guarded))
    except (StrongroomError, psycopg.Error) as error:
        return [f"root could not look into database {database}: {' '.join(str(error).split())}"]


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
    cluster = root.cluster
    return StrongroomError(
        f"In {cluster.directory.name}, {lost}: somebody with root's rights did that (the server's "
        f"log, {cluster.log}, says when and who). An empty one in its place would hide the loss, "
        "so nothing was done. Recover it from the replica or a snapshot. To start anew with an "
        f"empty database instead, stop the server, move {cluster.directory} away, take the primary "
        "out of the engine's state (`pulumi state delete --target-dependents --force URN`) and "
        "run `pulumi up`."
    )


def _guard_problems(connection: psycopg.Connection[Any], guarded: list[str]) -> list[str]:
    try:
        found = [name for (name,) in connection.execute(_text("guarded"))]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return ["the list of guarded schemas is missing"]
    if found == guarded:
        return []
    return [f"guarded are {', '.join(found) or 'no schemas'} instead of {', '.join(guarded)}"]


def digest() -> str:
    """Tells two versions of the bootstrap apart: 12 hexadecimal digits over all its SQL."""
    texts = [
        _text(name) for name in ("cluster", "strays", "every_database", "application", "guard")
    ]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _text(name: str) -> LiteralString:
    text: Any = resources.files("strongroom.bootstrap").joinpath(f"sql/{name}.sql").read_text()
    return cast("LiteralString", text)
