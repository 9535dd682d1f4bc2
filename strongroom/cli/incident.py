"""`strongroom incident`: who destroyed what, when, from where, and where recovery has to stop."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from strongroom.cli.options import JsonOption, StackOption
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.vault import Vault
from strongroom.declaration import Declaration
from strongroom.incident.find import MASS, find
from strongroom.incident.rendering import rendered

NOTHING_FOUND = 4

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d{1,4})([smhd])")


def incident(
    stack: StackOption = "local",
    since: Annotated[
        str, typer.Option(help="How far back to look: 30m, 12h, 7d, or a time (UTC unless told).")
    ] = "7d",
    every: Annotated[
        bool, typer.Option("--all", help="Every event of that time, the latest first.")
    ] = False,
    rows: Annotated[
        int, typer.Option(min=1, help="Deleted rows in one transaction that are a mass delete.")
    ] = MASS,
    as_json: JsonOption = False,
) -> None:
    """Name the latest destructive event: what was dropped, emptied or deleted, by whom and when.

    A destructive event is a dropped database, schema or table, a truncate or a mass delete.
    Reads the server's log and its WAL, in pg_wal and in the vault; the server may be stopped,
    and the database gone. What cannot be known is said. Exits with 4 when nothing was found.
    """
    begin = _moment(since)
    chosen = Declaration.load(stack)
    cluster = StackFolder(chosen.folder).primary
    vault = Vault(chosen.vault, cluster.user)
    found = find(cluster, vault, begin, every=every, least=rows)
    if as_json:
        typer.echo(json.dumps(found.dump(), indent=2))
    else:
        for event in found.events:
            typer.echo(rendered(event))
        for sentence in found.unknown:
            typer.echo(f"note: {sentence}", err=True)
        if found.events and sys.stdout.isatty():
            typer.echo(f"\nNext: strongroom recover -s {stack}")
    if not found.events:
        typer.echo(f"Nothing destructive is found since {begin:%Y-%m-%d %H:%M} UTC.", err=True)
        raise typer.Exit(NOTHING_FOUND)


def _moment(text: str) -> datetime:
    """The moment a duration before now, or a time, stands for (UTC)."""
    if duration := _DURATION.fullmatch(text.strip()):
        return datetime.now(UTC) - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is neither a duration (30m, 12h, 7d) nor a time (2026-11-23 09:00), so it "
            "is not known how far back to look.",
            param_hint="--since",
        ) from error
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
