"""`strongroom status`: what runs, where, how far behind, and who may sign in."""

import json
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table

from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.cli.standing import Standing, standing
from strongroom.declaration import Declaration
from strongroom.tiers import Tier


def status(
    stack: StackOption = "local",
    as_json: JsonOption = False,
) -> None:
    """Show the servers of a stack, its replicas' lag, agent, snapshots, root, and its roster.

    Exits with 3 when something is not as it should be.
    """
    chosen = Declaration.load(stack)
    found = standing(chosen)
    roster = {tier.value: _roles(chosen, tier) for tier in reversed(Tier)}
    services = [service.role for service in chosen.roster.services]
    if as_json:
        report = {"stack": stack, **found.dump(), "engineers": roster, "services": services}
        typer.echo(json.dumps(report, indent=2))
    else:
        console = Console()
        _show(console, chosen, found)
        people = Table("tier", "engineers", box=None)
        for tier, names in roster.items():
            people.add_row(tier, ", ".join(names) or "nobody")
        people.add_row("services", ", ".join(services) or "none")
        console.print()
        console.print(people)
        for sentence in found.elevations:
            console.print(sentence, markup=False, soft_wrap=True)
        for warning in found.warnings:
            console.print(warning, style="yellow", markup=False, soft_wrap=True)
    if not found.servers or found.problems:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _roles(stack: Declaration, tier: Tier) -> list[str]:
    return [member.role for member in stack.members if member.tier is tier]


def _show(console: Console, stack: Declaration, found: Standing) -> None:
    if not found.servers:
        console.print(f"Stack {stack.environment} has no servers yet. `make up` makes them.")
        return
    table = Table("server", "kind", "address", "PostgreSQL", "state", "behind", box=None)
    for server in found.servers:
        state = f"[red]{server.problem}[/]" if server.problem else "[green]running[/]"
        behind = "" if server.lag_bytes is None else f"{server.lag_bytes} B"
        if server.lag_bytes:
            behind += f", {server.lag_seconds} s"
        if server.delay_seconds:
            behind += f" (meant to be {server.delay_seconds} s)"
        table.add_row(server.name, server.kind, server.address, server.version, state, behind)
    console.print(table)
    console.print()
    age, limit = found.root_password_age_days, stack.settings.root_password_max_age_days
    if age is not None:
        console.print(f"root: sealed, rotated {age} days ago (limit {limit})")
    beat = found.servers[0].heartbeat_seconds
    heart = "no heartbeat yet" if beat is None else f"last heartbeat {beat:.0f} s ago"
    console.print(f"agent: {'running' if found.agent else '[red]stopped[/]'}, {heart}")
    newest = found.newest_snapshot
    if newest is not None:
        hours = (datetime.now(UTC) - newest).total_seconds() / 3600
        console.print(f"snapshots: {found.snapshots} sound, the newest {hours:.1f} hours old")
    if found.drill is not None:
        outcome = "passed" if found.drill.passed else "[red]did not pass[/]"
        days = found.drill.age.total_seconds() / 86_400
        console.print(f"restore drill: {outcome} {days:.1f} days ago, {found.drill.seconds:.0f} s")
    servers = {f"{each.name}: {each.problem}" for each in found.servers}
    for problem in found.problems:
        if problem not in servers:
            console.print(f"[red]{problem}[/]")
