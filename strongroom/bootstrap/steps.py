"""The bootstrap itself: idempotent, and audited afterwards at every refresh."""

import hashlib
from collections.abc import Iterable
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from strongroom.bootstrap.root import Root
from strongroom.tiers import ROOT


def bootstrap(root: Root, database: str, guarded: Iterable[str]) -> None:
    """Bring a cluster to the state every access model of Strongroom builds on.

    Args:
        root: root of a running cluster.
        database: the application's database; made if it is missing, owned by root.
        guarded: schemas whose tables are dropped only by a session that names them.
    """
    names = {"database": sql.Identifier(database), "root": sql.Identifier(ROOT)}
    with root.connect() as connection:
        present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        if database not in present:
            # template0: what somebody put into template1 does not belong in the application.
            create = "CREATE DATABASE {database} TEMPLATE template0 OWNER {root}"
            connection.execute(sql.SQL(create).format(**names))
        connection.execute(_text("cluster"))
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
        with root.connect(database) as connection:
            query = sql.SQL(_text("audit")).format(root=sql.Literal(ROOT))
            problems = [sentence for (sentence,) in connection.execute(query)]
            return problems + _guard_problems(connection, sorted(guarded))
    except psycopg.Error as error:
        return [f"root could not look into database {database}: {' '.join(str(error).split())}"]


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
    texts = [_text(name) for name in ("cluster", "every_database", "application", "guard")]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _text(name: str) -> LiteralString:
    text: Any = resources.files("strongroom.bootstrap").joinpath(f"sql/{name}.sql").read_text()
    return cast("LiteralString", text)
