"""`strongroom audit`, `can`, `who-can` and `matrix`: who may do what, as it is and as declared."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from strongroom.cli.options import JsonOption, StackOption
from strongroom.cli.place import AsOption, HostOption, PortOption, looking
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.rights.answers import Answer, Answers
from strongroom.rights.comparison import compare, counts, strangers
from strongroom.rights.declared import declared
from strongroom.rights.findings import sentences
from strongroom.rights.inspection import inspect
from strongroom.rights.model import Snapshot
from strongroom.rights.rendering import as_csv, as_html, in_words
from strongroom.rights.roster_view import as_declared
from strongroom.rights.standing import standings

#: The exit code of an audit that found drift, so that a pipeline can tell it from an error (1).
DRIFT = 2

DeclaredOption = Annotated[
    bool, typer.Option("--declared", help="As the roster declares it, not as the server has it.")
]


def audit(
    stack: StackOption = "local",
    as_json: JsonOption = False,
    role: AsOption = "",
    host: HostOption = "",
    port: PortOption = None,
) -> None:
    """Compare who can do what with what is declared; changes nothing.

    Exits with 0 when nobody can do more or less than declared, with 2 when somebody can, and
    with 1 when it could not be found out, mistakes in settings and roster included.
    """
    try:
        chosen = Declaration.load(stack)
        snapshot = inspect(looking(chosen, role, host, port))
    except StrongroomError as error:
        typer.echo(f"strongroom: {error}", err=True)
        raise typer.Exit(1) from error
    roster = chosen.roster
    people = declared(roster.schemas, chosen.members, roster.services)
    wanted = standings(roster.schemas, people, chosen.settings.root)
    found = sentences(compare(snapshot, wanted), snapshot, wanted)
    tables, schemas = counts(snapshot, roster.schemas)
    unseen = [
        shape.names[0]
        for shape in snapshot.shapes
        if shape.kind == "database" and shape.trait != "this"
    ]
    if as_json:
        report = {
            "stack": stack,
            "clean": not found,
            "deviations": found,
            "roles": len(snapshot.roles),
            "tables": tables,
            "schemas": schemas,
            "undeclaredRoles": strangers(snapshot, wanted),
            "notLookedInto": sorted(unseen),
        }
        typer.echo(json.dumps(report, indent=2))
    else:
        for sentence in found:
            typer.echo(sentence)
        what = f"{len(people)} people and services, {len(snapshot.roles)} roles, {tables} tables"
        verdict = f"{len(found)} not as declared" if found else "as declared"
        typer.echo(f"{verdict}: {what} in {', '.join(roster.schemas)}", err=bool(found))
        others = ", ".join(sorted(unseen))
        typer.echo(f"not looked into: what lies inside the databases {others}", err=True)
    if found:
        raise typer.Exit(DRIFT)


def can(
    person: Annotated[str, typer.Argument(help="An engineer, a service or any other role.")],
    called: Annotated[
        str | None, typer.Argument(metavar="[OBJECT]", help="Such as app.orders or 'schema app'.")
    ] = None,
    stack: StackOption = "local",
    roster: DeclaredOption = False,
    role: AsOption = "",
    host: HostOption = "",
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what PERSON can do, on everything or on OBJECT, and through which roles.

    Exits with 1 when there is no such role or object.
    """
    chosen = Declaration.load(stack)
    found = Answers(_snapshot(chosen, roster, role, host, port)).can(person, called)
    _show(found, as_json, f"{person} can do nothing{f' on {called}' if called else ''}.")


def who_can(
    privilege: Annotated[str, typer.Argument(help="Such as DELETE; DROP asks for the owner.")],
    called: Annotated[
        str, typer.Argument(metavar="OBJECT", help="Such as app.orders or 'schema app'.")
    ],
    stack: StackOption = "local",
    roster: DeclaredOption = False,
    role: AsOption = "",
    host: HostOption = "",
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everybody who can do PRIVILEGE on OBJECT, and through which roles."""
    chosen = Declaration.load(stack)
    found = Answers(_snapshot(chosen, roster, role, host, port)).who_can(privilege, called)
    _show(found, as_json, f"Nobody can {privilege.upper()} on {called}.")


def matrix(
    stack: StackOption = "local",
    roster: DeclaredOption = False,
    role: AsOption = "",
    host: HostOption = "",
    port: PortOption = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="All roles, not only engineers and services.")
    ] = False,
    as_json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
) -> None:
    """Show who can do what: every person and service, every area, every privilege."""
    chosen = Declaration.load(stack)
    snapshot = _snapshot(chosen, roster, role, host, port)
    roles = {
        role: what
        for role, what in _kinds(chosen, snapshot, everybody).items()
        if role in snapshot.roles
    }
    entries = Answers(snapshot).entries(roles)
    if html is not None:
        source = f"as {chosen.settings.roster} declares it" if roster else "as the server has it"
        when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        page = as_html(entries, roles, stack, f"{source}, {when}")
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise StrongroomError(
                f"{html} could not be written: {error.strerror}. Name a file in a folder of yours."
            ) from error
    elif as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=2))
    elif csv:
        typer.echo(as_csv(entries), nl=False)
    else:
        words = in_words(entries)
        _table(
            ("who", "is", "may"),
            [(role, what, "\n".join(words.get(role, ["nothing"]))) for role, what in roles.items()],
        )


def _kinds(stack: Declaration, snapshot: Snapshot, everybody: bool) -> dict[str, str]:
    people = {member.role: member.tier.value for member in stack.members}
    people |= {service.role: "service" for service in stack.roster.services}
    others = sorted({*snapshot.roles} - {*people}) if everybody else []
    return people | dict.fromkeys(others, "other")


def _snapshot(stack: Declaration, roster: bool, role: str, host: str, port: int | None) -> Snapshot:
    if not roster:
        return inspect(looking(stack, role, host, port))
    return as_declared(
        *(stack.settings.database, stack.roster.schemas, stack.members, stack.roster.services),
        root=stack.settings.root,
    )


def _show(found: Sequence[Answer], as_json: bool, nothing: str) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    elif not found:
        typer.echo(nothing)
    else:
        rows = [
            (
                each.role,
                ", ".join(each.privileges),
                each.on,
                " > ".join(each.through) or ("" if each.note == "superuser" else "itself"),
                "; ".join(
                    part for part in (each.first and f"after {each.first}", each.note) if part
                ),
            )
            for each in found
        ]
        _table(("who", "may", "on", "through", ""), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people; what repeats the line above is left out."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*head, box=None)
    before: Sequence[str] = ("", "")
    for row in rows:
        who = "" if row[0] == before[0] else row[0]
        table.add_row(who, *map(escape, row[1:]))
        before = row
    Console().print(table)
