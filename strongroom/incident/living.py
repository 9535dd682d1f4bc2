"""What a running server adds: names instead of numbers, and what its sessions ran last.

Never needed: the log and the WAL tell without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.incident.events import Session

_ACTIVITY = """
SELECT format('%s.%s', to_hex(floor(extract(epoch FROM backend_start))::bigint), to_hex(pid)),
       usename, datname, coalesce(host(client_addr), '[local]'), nullif(client_port, -1),
       application_name, query, query_start, state_change, state LIKE 'idle%'
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND query_start IS NOT NULL
"""
# What ALTER DATABASE ... ALLOW_CONNECTIONS false was done to was put aside by a recovery.
_INVALID = """
SELECT datname::text, (ctid::text::point)[1]::int, pg_relation_filenode('pg_database')::int,
       (ctid::text::point)[0]::int
FROM pg_database WHERE datconnlimit = -2 AND datallowconn
"""
_BY_ID = "SELECT oid, oid::regclass::text FROM pg_class WHERE oid = ANY(%s) AND relkind = ANY(%s)"
_BY_FILE = "SELECT relfilenode, oid::regclass::text FROM pg_class WHERE relfilenode = ANY(%s)"
_TABLES = ["r", "p", "m"]


@dataclass(frozen=True)
class Last:
    """The last statement of a session that is still open.

    Attributes:
        session: whose.
        statement: its text, of which the server keeps the beginning.
        began: when (UTC).
        changed: when the session last began or ended a statement (UTC).
        idle: whether it has ended it.
    """

    session: Session
    statement: str
    began: datetime
    changed: datetime
    idle: bool = True


@dataclass(frozen=True)
class Invalid:
    """A database that nobody can connect to, because dropping it was begun.

    Attributes:
        name: its name.
        row: where its row of pg_database lies: number within the block, file, block.
    """

    name: str
    row: tuple[str, str, str]


@dataclass(frozen=True)
class Living:
    """What the server told.

    Attributes:
        cluster: the server; None when it was not asked or did not answer.
        databases: names by object id.
        last: what its sessions ran last.
        invalid: databases whose drop was cut off.
    """

    cluster: Cluster | None = None
    databases: dict[int, str] | None = None
    last: tuple[Last, ...] = ()
    invalid: tuple[Invalid, ...] = ()

    @classmethod
    def ask(cls, cluster: Cluster) -> "Living":
        """Ask the server, if it runs."""
        if not cluster.running():
            return cls()
        try:
            with LocalRoot(cluster).connect() as session:
                session.execute("SET statement_timeout = '2s'")
                databases = dict(session.execute("SELECT oid, datname FROM pg_database").fetchall())
                rows = session.execute(_ACTIVITY).fetchall()
                invalid = session.execute(_INVALID).fetchall()
        except (StrongroomError, psycopg.Error):
            return cls()
        return cls(
            cluster,
            databases,
            tuple(Last(Session(*row[:6]), *row[6:]) for row in rows),
            tuple(
                Invalid(name, (str(offset), f"1664/0/{file}", str(block)))
                for name, offset, file, block in invalid
            ),
        )

    def database(self, oid: int) -> str | None:
        """A database's name; None when it is gone or the server did not answer."""
        return (self.databases or {}).get(oid)

    def tables(self, database: int, oids: Iterable[int]) -> tuple[str, ...]:
        """Names of those of the relations that are tables and still there."""
        return tuple(self._names(database, _BY_ID, list(oids), _TABLES).values())

    def files(self, database: int, numbers: Iterable[int]) -> dict[int, str]:
        """Names of relations by the number of their file."""
        return self._names(database, _BY_FILE, list(numbers))

    def _names(self, database: int, query: str, *values: list[int] | list[str]) -> dict[int, str]:
        name = self.database(database)
        if self.cluster is None or name is None or not values[0]:
            return {}
        try:
            with LocalRoot(self.cluster).connect(name) as session:
                session.execute("SET statement_timeout = '2s'")
                session.execute("SET search_path = pg_catalog")
                return dict(session.execute(query.encode(), values).fetchall())
        except (StrongroomError, psycopg.Error):
            return {}
