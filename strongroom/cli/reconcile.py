"""`strongroom reconcile`: what to look at after the event, with the exact keys."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.cluster.system_user import SystemUser
from strongroom.declaration import Declaration
from strongroom.home import Home
from strongroom.reconcile.noting import WINDOW
from strongroom.reconcile.report import reconcile as made
from strongroom.recovery.declared import Declared
from strongroom.recovery.situation import Situation
from strongroom.recovery.target import Target


def reconcile(
    stack: StackOption = "local",
    to: Annotated[
        str,
        typer.Option(
            help="The point: an LSN or a time. Default: that of the last recovery, or before the "
            "latest event if that is later."
        ),
    ] = "",
    database: Annotated[str, typer.Option(help="The database to check.")] = "",
    last: Annotated[
        int,
        typer.Option(min=0, max=WINDOW, help="Seconds before the point to list committed rows of."),
    ] = 10,
    timeout: Annotated[
        int, typer.Option(min=1, max=86_400, help="Seconds that one query of a check may take.")
    ] = 60,
    output: Annotated[
        Path | None, typer.Option(help="Write the report, as Markdown, to this file as well.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what to look at after the event: what was cut off, came last, or does not fit.

    Lists the transactions that were not kept, row by row with their keys and values, what was
    committed in the last seconds, and what the checks find: those that are built in, and every
    checks/*.sql of the checkout. Changes nothing. Exits with 0 when there is nothing to look at,
    3 when there is something or a check could not be run, 1 when it failed, and 2 when the
    command line is wrong.
    """
    chosen = Declaration.load(stack)
    report = made(
        Situation(Declared.of(chosen)),
        database or chosen.settings.database,
        target=Target.parse(to) if to else None,
        last=last,
        checks=sorted((Home.find().checkout / "checks").glob("*.sql")),
        timeout=timeout,
    )
    people = {member.role: f"{member.name}, {member.tier}" for member in chosen.members}
    people |= {service.role: "service" for service in chosen.roster.services}
    text = report.markdown(people)
    if output is not None:
        # It holds rows of the database, so it is for who asked only.
        SystemUser.current().write(output, f"{text}\n")
    if as_json:
        typer.echo(json.dumps(report.dump(), indent=2))
    else:
        console = Console()
        if console.is_terminal:
            console.print(Markdown(text))
        else:
            typer.echo(text)
    if not report.clean:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)
