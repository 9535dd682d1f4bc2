"""The command line: `strongroom`."""

import os
import sys
from typing import Annotated

import typer

from strongroom import __version__
from strongroom.cli import (
    adopt,
    agent,
    alerts,
    connect,
    cost,
    drill,
    existing,
    guard,
    incident,
    permissions,
    reconcile,
    recover,
    rights,
    root,
    snapshot,
    status,
)
from strongroom.cli import review as reviewing
from strongroom.cluster.system_user import forget_libpq_settings
from strongroom.errors import StrongroomError

app = typer.Typer(
    name="strongroom",
    help="Keeps a production PostgreSQL database out of reach of accidents.\n\n"
    "Exit codes: 0 done, 1 it failed, 2 the settings or the roster are wrong, "
    "3 something is not as it should be.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("status")(status.status)
app.command("connect", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    connect.connect
)
app.command("audit")(rights.audit)
app.command("can")(rights.can)
app.command("who-can")(rights.who_can)
app.command("matrix")(rights.matrix)
app.command("adopt")(adopt.adopt)
app.command("incident")(incident.incident)
app.command("recover")(recover.recover)
app.command("reconcile")(reconcile.reconcile)
app.command("drill")(drill.drill)
app.command("alerts")(alerts.alerts)
app.command("cost")(cost.cost)
app.command("existing")(existing.existing)
app.command("iam")(permissions.iam)
app.command("review")(reviewing.review)
app.command("apply")(reviewing.apply)
app.command("drift")(reviewing.drift)
app.add_typer(guard.app, name="guard")
app.add_typer(root.app, name="root")
app.add_typer(agent.app, name="agent")
app.add_typer(snapshot.app, name="snapshot")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"strongroom {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line; an error is one readable paragraph and an exit code."""
    given = dict(os.environ)
    forget_libpq_settings()
    try:
        app(obj=given)  # guard judges, and hands on, what the shell holds
    except StrongroomError as error:
        typer.echo(f"strongroom: {error}", err=True)
        sys.exit(error.exit_code)
