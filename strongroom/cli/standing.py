"""How a stack stands: what `strongroom status` shows, gathered without showing anything."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from strongroom.agent.duties import Duties
from strongroom.agent.process import Agent
from strongroom.bootstrap.sealed import SealedFile
from strongroom.breakglass.ending import due
from strongroom.cluster import archive
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.vault import Vault
from strongroom.declaration import Declaration
from strongroom.drill import kept as drills
from strongroom.drill.kept import Kept
from strongroom.elevations import ending
from strongroom.errors import StrongroomError
from strongroom.tiers import PROVISIONER

#: Seconds a heartbeat may be late: machines are busy now and then.
LATE = 30


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


@dataclass(frozen=True)
class Standing:
    """A stack as it is now.

    Attributes:
        servers: the primary first.
        root_password_age_days: days since root's password was rotated; None when not known.
        agent: whether the agent runs.
        snapshots: how many sound ones the vault holds.
        newest_snapshot: when the newest of them was finished (UTC); None without any.
        elevations: what is lent now, a sentence each.
        warnings: what will be a mistake, a sentence each.
        drill: the last restore drill; None before the first.
        problems: everything that is not as it should be, a sentence each.
    """

    servers: tuple[ServerStatus, ...]
    root_password_age_days: int | None
    agent: bool
    snapshots: int
    newest_snapshot: datetime | None
    elevations: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    drill: Kept | None = None

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        newest = self.newest_snapshot.isoformat() if self.newest_snapshot else None
        drill = self.drill.dump() if self.drill else None
        return {**asdict(self), "newest_snapshot": newest, "drill": drill}


def standing(stack: Declaration) -> Standing:
    """Look at every part of a stack; what cannot be looked at is a problem, not an error."""
    servers = tuple(_servers(stack))
    folder = StackFolder(stack.folder)
    good = Vault(stack.vault, folder.primary.user).good() if servers else []
    agent = Agent(stack.folder)
    lives = agent.running() if servers else False
    problems = [f"{each.name}: {each.problem}" for each in servers if each.problem]
    if servers:
        problems += _archiving(stack, folder, servers[0])
        stopped = ["the agent is stopped; `strongroom agent start` starts it"]
        problems += _failing(agent) if lives else stopped
        problems += [] if good else ["there is no sound snapshot; `make up` takes one"]
        problems += due(folder) + _overdue(folder)
        if told := drills.problem(stack.folder, stack.settings.drill_every_days):
            problems.append(told)
    return Standing(
        servers=servers,
        root_password_age_days=_password_age(folder) if servers else None,
        agent=lives,
        snapshots=len(good),
        newest_snapshot=good[-1].finished if good else None,
        elevations=tuple(_elevations(stack)),
        warnings=stack.warnings,
        problems=tuple(problems),
        drill=next(reversed(drills.kept(stack.folder, drills.Kind.RESTORE)), None),
    )


def _elevations(stack: Declaration) -> Iterator[str]:
    now = datetime.now(UTC)
    for each in stack.members:
        if up := each.elevation:
            left = timedelta(minutes=(up.until - now) // timedelta(minutes=1))
            hours = f"{str(left).rpartition(':')[0]} h"
            yield (
                f"{each.role} is lent {up.tier} for {hours} more, until {up.ends} ({up.ticket}, "
                f"approved by {up.approver})"
            )
    for up in stack.roster.elevations:
        if stack.environment in up.environments and up.begins and up.begins > now:
            begins = f"{up.begins:%Y-%m-%d %H:%M} UTC"
            yield f"{up.who} is lent {up.tier} by an `up` after {begins} ({up.ticket})"


def _overdue(folder: StackFolder) -> list[str]:
    duties = Duties.load(folder.path)
    return ending.due(folder, duties.elevations) if duties else []


def _servers(stack: Declaration) -> list[ServerStatus]:
    head: str | None = None
    found = []
    for cluster in StackFolder(stack.folder).clusters():
        server = _server(stack, cluster, head)
        if server.kind == "primary" and server.problem is None:
            head = _ask(stack, cluster, "SELECT pg_current_wal_lsn()::text")[0]
        found.append(server)
    return found


def _server(stack: Declaration, cluster: Cluster, head: str | None) -> ServerStatus:
    standby = (cluster.data / "standby.signal").exists()
    process = cluster.process()
    since, lag_bytes, lag_seconds, delay, beat, problem = None, None, None, None, None, None
    if process is None:
        problem = "stopped; `make up` starts it"
    else:
        since = datetime.fromtimestamp(process.create_time(), UTC).isoformat(timespec="seconds")
        try:
            delay, beat = _heartbeat(stack, cluster)
            if standby and head:
                lag_bytes, lag_seconds = _lag(stack, cluster, head)
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


def _heartbeat(stack: Declaration, cluster: Cluster) -> tuple[int, float | None]:
    query = (
        "SELECT (SELECT setting::bigint / 1000 FROM pg_settings "
        "WHERE name = 'recovery_min_apply_delay'), "
        "(SELECT extract(epoch FROM clock_timestamp() - beat)::float FROM strongroom.heartbeat)"
    )
    delay, beat = _ask(stack, cluster, query)
    return int(delay), None if beat is None else round(max(beat, 0.0), 1)


def _lag(stack: Declaration, cluster: Cluster, head: str) -> tuple[int, float]:
    query = (
        "SELECT greatest(pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint, "
        "extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float"
    )
    behind, age = _ask(stack, cluster, query, head)
    return int(behind), round(float(age or 0), 1) if behind else 0.0


def _ask(stack: Declaration, cluster: Cluster, query: Any, *values: str) -> Any:
    folder, database = StackFolder(stack.folder), stack.settings.database
    trusted = folder.authority.certificate
    parameters = sign_in(cluster, PROVISIONER, folder.provisioner, trusted, database)
    try:
        with psycopg.connect(make_conninfo(**parameters), connect_timeout=5) as connection:
            return connection.execute(query, values).fetchone()
    except psycopg.Error as error:
        raise StrongroomError(f"does not answer: {' '.join(str(error).split())}") from error


def _archiving(stack: Declaration, folder: StackFolder, primary: ServerStatus) -> list[str]:
    """What is wrong with the WAL archive: what is not in it is lost with the primary's disk."""
    if primary.kind != "primary" or primary.problem is not None:
        return []
    try:
        found = archive.problem(_ask(stack, folder.primary, archive.QUERY))
    except StrongroomError as error:
        return [f"the archive cannot be asked for: {error}"]
    if found is None:
        return []
    return [f"{found}. WAL stays in pg_wal until {stack.vault} can be written again"]


def _failing(agent: Agent) -> list[str]:
    """Duties of the agent that went wrong last; the heartbeat's is told by the servers."""
    went = {name: each.get("problem") for name, each in agent.reported().items()}
    return [f"{name}: {said}" for name, said in went.items() if said and name != "heartbeat"]


def _password_age(folder: StackFolder) -> int | None:
    try:
        cluster = folder.primary
        current = SealedFile(cluster.directory / "sealed", cluster.user).current()
    except StrongroomError:
        return None
    return (datetime.now(UTC) - current.since).days if current else None
