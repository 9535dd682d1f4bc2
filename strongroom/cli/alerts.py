"""`strongroom alerts`: what people were told, and whether it reached them."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from strongroom import alerts as raised
from strongroom.cli.options import JsonOption, StackOption
from strongroom.declaration import Declaration


def alerts(
    stack: StackOption = "local",
    last: Annotated[int, typer.Option("--last", min=1, help="How many, the newest.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show the alerts of a stack, oldest first, and what became of posting each."""
    found = raised.kept(Declaration.load(stack).folder)[-last:]
    if as_json:
        entries = [
            {
                "id": each.id,
                "at": each.alert.at.isoformat(),
                "kind": each.alert.kind,
                "title": each.alert.title,
                "text": each.alert.text,
                "facts": dict(each.alert.facts),
                "not_delivered": each.problem,
            }
            for each in found
        ]
        typer.echo(json.dumps(entries, indent=2))
        return
    if not found:
        typer.echo(f"Nothing was ever alerted on {stack}.")
        return
    table = Table("at", "what", "posted", box=None)
    for each in found:
        posted = f"[yellow]{each.problem}[/]" if each.problem else "[green]yes[/]"
        table.add_row(each.alert.at.isoformat(timespec="seconds"), each.alert.title, posted)
    Console().print(table)
