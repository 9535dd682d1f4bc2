"""`strongroom alerts`: what people were told, and whether it reached them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from strongroom import alerts as raised
from strongroom.alerts import KeptAlert
from strongroom.cli.options import JsonOption, StackOption
from strongroom.declaration import Declaration

_LOOK_EVERY = 0.5


def alerts(
    stack: StackOption = "local",
    last: Annotated[int, typer.Option("--last", min=0, help="How many, the newest.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for new ones; end it with Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the alerts of a stack, oldest first, and what became of posting each.

    With --follow each is a paragraph, or with --json a line, as soon as it is raised.
    """
    folder = Declaration.load(stack).folder
    if follow:
        for each in following(folder, last):
            typer.echo(json.dumps(_values(each)) if as_json else _paragraph(each))
        return
    found = raised.kept(folder)[-last:] if last else []
    if as_json:
        typer.echo(json.dumps([_values(each) for each in found], indent=2))
    elif not found:
        typer.echo(f"Nothing was ever alerted on {stack}.")
    else:
        _show(found)


def _show(found: list[KeptAlert]) -> None:
    table = Table("at", "kind", "what", "posted", box=None)
    for each in found:
        posted = f"[yellow]{each.problem}[/]" if each.problem else "[green]yes[/]"
        at = each.alert.at.isoformat(timespec="seconds")
        table.add_row(at, each.alert.kind, escape(each.alert.title), posted)
    Console().print(table)


def following(folder: Path, last: int) -> Iterator[KeptAlert]:
    """The `last` newest alerts of the stack in `folder`, and then each that is raised."""
    kept = raised.kept(folder)
    shown = {each.id for each in kept[: len(kept) - last]}
    size = -1
    while True:
        path = raised.file_of(folder)
        grown = path.stat().st_size if path.exists() else 0
        if grown != size:
            size = grown
            for each in raised.kept(folder):
                if each.id not in shown:
                    shown.add(each.id)
                    yield each
        time.sleep(_LOOK_EVERY)


def _values(each: KeptAlert) -> dict[str, Any]:
    return {
        "id": each.id,
        "at": each.alert.at.isoformat(),
        "kind": each.alert.kind,
        "title": each.alert.title,
        "text": each.alert.text,
        "facts": dict(each.alert.facts),
        "not_delivered": each.problem,
    }


def _paragraph(each: KeptAlert) -> str:
    facts = [f"  {name:14} {value}" for name, value in each.alert.facts.items()]
    head = f"{each.alert.at.isoformat(timespec='seconds')}  {each.alert.kind}"
    return "\n".join([f"{head}  {each.alert.title}", *facts])
