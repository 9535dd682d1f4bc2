"""How the servers of a stack stand: for `strongroom status` to show and the agent to tell."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from strongroom.cluster import archive
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.errors import StrongroomError
from strongroom.tiers import PROVISIONER

#: Seconds a heartbeat may be late: machines are busy now and then.
LATE = 30

#: Asks one server one thing: a query, and values for what it leaves open.
_Ask = Callable[..., Any]


@dataclass(frozen=True)
class ServerStatus:
    """One server as it is now.

    Attributes:
        delay_seconds: how far a replica is meant to stay behind.
        lag_bytes: WAL the primary has written and this standby has not applied yet.
        lag_seconds: age of the last transaction a standby applied, 0 when it has them all.
        heartbeat_seconds: age of the newest heartbeat it holds; None when it holds none.
        problem: what is wrong; None when all is well.
    """

    name: str
    kind: str
    address: str
    version: str
    since: str | None
    delay_seconds: int | None
    lag_bytes: int | None
    lag_seconds: float | None
    heartbeat_seconds: float | None
    problem: str | None


def servers_of(folder: StackFolder, database: str) -> list[ServerStatus]:
    """Each server of a stack as it is now, the primary first.

    Args:
        folder: the stack's folder.
        database: the application's database.
    """
    head: str | None = None
    found = []
    for cluster in folder.clusters():
        asking = partial(_ask, folder, database, cluster)
        server = _server(cluster, asking, head)
        if server.kind == "primary" and server.problem is None:
            head = asking("SELECT pg_current_wal_lsn()::text")[0]
        found.append(server)
    return found


def _server(cluster: Cluster, ask: _Ask, head: str | None) -> ServerStatus:
    standby = (cluster.data / "standby.signal").exists()
    process = cluster.process()
    since, lag_bytes, lag_seconds, delay, beat, problem = None, None, None, None, None, None
    if process is None:
        problem = "stopped; `make up` starts it"
    else:
        since = datetime.fromtimestamp(process.create_time(), UTC).isoformat(timespec="seconds")
        try:
            delay, beat = _heartbeat(ask)
            if standby and head:
                lag_bytes, lag_seconds = _lag(ask, head)
            problem = _out_of_bounds(delay if standby else 0, beat)
        except StrongroomError as error:
            problem = str(error)
    return ServerStatus(
        name=cluster.directory.name,
        kind="replica" if standby else "primary",
        address=f"127.0.0.1:{cluster.port}",
        version=cluster.package.version,
        since=since,
        delay_seconds=delay if standby else None,
        lag_bytes=lag_bytes,
        lag_seconds=lag_seconds,
        heartbeat_seconds=beat,
        problem=problem,
    )


def _out_of_bounds(delay: int, beat: float | None) -> str | None:
    """A replica that falls back, or a heart that stands still, protects nothing."""
    if beat is None or beat <= delay + LATE:
        return None
    if delay:
        return f"its newest heartbeat is {beat:.0f} s old; {delay} s is how far it may stay behind"
    return f"its newest heartbeat is {beat:.0f} s old: `strongroom agent status` says why"


def _heartbeat(ask: _Ask) -> tuple[int, float | None]:
    query = (
        "SELECT (SELECT setting::bigint / 1000 FROM pg_settings "
        "WHERE name = 'recovery_min_apply_delay'), "
        "(SELECT extract(epoch FROM clock_timestamp() - beat)::float FROM strongroom.heartbeat)"
    )
    delay, beat = ask(query)
    return int(delay), None if beat is None else round(max(beat, 0.0), 1)


def _lag(ask: _Ask, head: str) -> tuple[int, float]:
    query = (
        "SELECT greatest(pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint, "
        "extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float"
    )
    behind, age = ask(query, head)
    return int(behind), round(float(age or 0), 1) if behind else 0.0


def _ask(folder: StackFolder, database: str, cluster: Cluster, query: Any, *values: str) -> Any:
    trusted = folder.authority.certificate
    parameters = sign_in(cluster, PROVISIONER, folder.provisioner, trusted, database)
    try:
        with psycopg.connect(make_conninfo(**parameters), connect_timeout=5) as connection:
            return connection.execute(query, values).fetchone()
    except psycopg.Error as error:
        raise StrongroomError(f"does not answer: {' '.join(str(error).split())}") from error


def archiving(folder: StackFolder, database: str, vault: Path, primary: ServerStatus) -> list[str]:
    """What is wrong with the WAL archive: what is not in it is lost with the primary's disk.

    Args:
        folder: the stack's folder.
        database: the application's database.
        vault: the vault's folder.
        primary: the primary as it is.
    """
    if primary.kind != "primary" or primary.problem is not None:
        return []
    try:
        found = archive.problem(_ask(folder, database, folder.primary, archive.QUERY))
    except StrongroomError as error:
        return [f"the archive cannot be asked for: {error}"]
    if found is None:
        return []
    return [f"{found}. WAL stays in pg_wal until {vault} can be written again"]
