"""`strongroom status`: what runs, where, how far behind, and who may sign in."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from strongroom.bootstrap.sealed import SealedFile
from strongroom.cli.options import StackOption
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.tiers import PROVISIONER, Tier

NOT_AS_IT_SHOULD_BE = 3


@dataclass(frozen=True)
class ServerStatus:
    """One server as it is now.

    Attributes:
        lag_bytes: WAL the primary has written and this standby has not applied yet.
        lag_seconds: age of the last transaction a standby applied, 0 when it has them all.
        problem: what is wrong; None when all is well.
    """

    name: str
    kind: str
    address: str
    version: str
    since: str | None
    lag_bytes: int | None
    lag_seconds: float | None
    problem: str | None


def status(
    stack: StackOption = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show the servers of a stack, how far replicas are behind, and its roster by tier.

    Exits with 3 when a server is stopped or does not answer.
    """
    chosen = Declaration.load(stack)
    servers = _servers(chosen)
    roster = {tier.value: _roles(chosen, tier) for tier in reversed(Tier)}
    services = [service.role for service in chosen.roster.services]
    report: dict[str, Any] = {
        "stack": stack,
        "servers": [asdict(server) for server in servers],
        "root_password_age_days": _password_age(chosen),
        "engineers": roster,
        "services": services,
    }
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _show(chosen, report, servers)
    if not servers or any(server.problem for server in servers):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _roles(stack: Declaration, tier: Tier) -> list[str]:
    return [member.role for member in stack.members if member.tier is tier]


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
    since, lag_bytes, lag_seconds, problem = None, None, None, None
    if process is None:
        problem = "stopped; `make up` starts it"
    else:
        since = datetime.fromtimestamp(process.create_time(), UTC).isoformat(timespec="seconds")
        try:
            if standby and head:
                lag_bytes, lag_seconds = _lag(stack, cluster, head)
            else:
                _ask(stack, cluster, "SELECT 1")
        except StrongroomError as error:
            problem = str(error)
    return ServerStatus(
        name=cluster.directory.name,
        kind="replica" if standby else "primary",
        address=f"127.0.0.1:{cluster.port}",
        version=cluster.package.version,
        since=since,
        lag_bytes=lag_bytes,
        lag_seconds=lag_seconds,
        problem=problem,
    )


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


def _password_age(stack: Declaration) -> int | None:
    try:
        cluster = StackFolder(stack.folder).primary
        current = SealedFile(cluster.directory / "sealed", cluster.user).current()
    except StrongroomError:
        return None
    return (datetime.now(UTC) - current.since).days if current else None


def _show(stack: Declaration, report: dict[str, Any], servers: list[ServerStatus]) -> None:
    console = Console()
    if not servers:
        console.print(f"Stack {stack.environment} has no servers yet. `make up` makes them.")
    else:
        table = Table("server", "kind", "address", "PostgreSQL", "state", "behind", box=None)
        for server in servers:
            state = f"[red]{server.problem}[/]" if server.problem else "[green]running[/]"
            behind = "" if server.lag_bytes is None else f"{server.lag_bytes} B"
            if server.lag_bytes:
                behind += f", {server.lag_seconds} s"
            table.add_row(server.name, server.kind, server.address, server.version, state, behind)
        console.print(table)
        age = report["root_password_age_days"]
        limit = stack.settings.root_password_max_age_days
        if age is not None:
            console.print(f"\nroot: sealed, rotated {age} days ago (limit {limit})")
    people = Table("tier", "engineers", box=None)
    for tier, names in report["engineers"].items():
        people.add_row(tier, ", ".join(names) or "nobody")
    people.add_row("services", ", ".join(report["services"]) or "none")
    console.print()
    console.print(people)
