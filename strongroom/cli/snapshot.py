"""`strongroom snapshot`: what is in the vault, another one, and whether they are sound."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.snapshots import Retention
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError

app = typer.Typer(help="Snapshots of the primary.", no_args_is_help=True)


@app.command("list")
def list_them(stack: StackOption = "local", as_json: JsonOption = False) -> None:
    """Show every snapshot in the vault, oldest first.

    Exits with 3 when there is none, or one is not sound.
    """
    vault, _ = _opened(stack)
    found = vault.catalog()
    _show(vault, found, as_json)
    if not found or any(each.problem for each in found):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command()
def take(
    stack: StackOption = "local",
    full: Annotated[
        bool, typer.Option("--full", help="Copy everything, not only what changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the running primary into the vault now, and check the copy."""
    vault, cluster = _opened(stack)
    if not cluster.running():
        raise StrongroomError(
            f"The primary of {stack} is stopped, so it cannot be copied and nothing was taken. "
            "`make up` starts it."
        )
    vault.prepare()
    with Console(stderr=True).status("copying the primary"):
        taken = snapshots.take(vault, cluster, full)
    _show(vault, [taken], as_json)


@app.command()
def verify(
    name: Annotated[
        str, typer.Argument(help="A snapshot of `strongroom snapshot list`; all when left out.")
    ] = "",
    stack: StackOption = "local",
    as_json: JsonOption = False,
) -> None:
    """Read every file of a snapshot again and compare it with the manifest.

    Exits with 3 when one is not sound: recovery then takes the one before.
    """
    vault, cluster = _opened(stack)
    chosen = [vault.find(name)] if name else vault.catalog()
    with Console(stderr=True).status("reading every file") as progress:
        checked = []
        for snapshot in chosen:
            progress.update(f"reading {snapshot.name}, {_size(snapshot.size)}")
            checked.append(snapshots.verify(vault, cluster, snapshot))
    _show(vault, checked, as_json)
    if any(each.problem for each in checked):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A snapshot of `strongroom snapshot list`.")],
    stack: StackOption = "local",
) -> None:
    """Remove one snapshot, unless it is locked, needed by another or the last good one."""
    settings = Declaration.load(stack).settings
    vault, _ = _opened(stack)
    keep, lock = settings.snapshot_keep_days, settings.snapshot_lock_days
    retention = Retention(timedelta(days=keep), timedelta(days=lock))
    snapshots.remove(vault, vault.find(name), retention)
    typer.echo(f"{name} removed")


def _opened(stack: str) -> tuple[Vault, Cluster]:
    chosen = Declaration.load(stack)
    cluster = StackFolder(chosen.folder).primary
    return Vault(chosen.vault, cluster.user), cluster


def _show(vault: Vault, found: list[Snapshot], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.dump() for each in found], indent=2))
        return
    if not found:
        typer.echo(f"{vault.folder} holds no snapshot yet. `make up` takes the first.")
        return
    table = Table("snapshot", "kind", "size", "from LSN", "to LSN", "age", "state", box=None)
    for each in found:
        state = f"[red]{each.problem}[/]" if each.problem else "[green]sound[/]"
        kind = "full" if each.parent is None else f"on {each.parent}"
        age = _age(datetime.now(UTC) - each.finished)
        table.add_row(each.name, kind, _size(each.size), each.start_lsn, each.end_lsn, age, state)
    Console().print(table)


def _size(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return (
        f"{hours * 60:.0f} min"
        if hours < 2
        else f"{hours:.0f} h"
        if hours < 48
        else f"{age.days} d"
    )
