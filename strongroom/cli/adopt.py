"""`strongroom adopt`: look at a live server and propose how to take it over."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from strongroom.adoption import documents
from strongroom.adoption.proposal import Proposal, propose
from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.reading.names import environment_name_problems
from strongroom.settings import Settings
from strongroom.tiers import PROVISIONER

#: The first version of PostgreSQL whose memberships have options.
_OLDEST = 160000


def adopt(
    context: typer.Context,
    dsn: Annotated[
        str | None,
        typer.Argument(
            metavar="[DSN]",
            help="libpq's connection string or URL, without a password; the stack's own primary "
            "when left out.",
        ),
    ] = None,
    stack: StackOption = "local",
    database: Annotated[
        str | None, typer.Option(help="The application's database, if not the DSN's.")
    ] = None,
    schema: Annotated[
        list[str] | None, typer.Option(help="A schema to guard; all with tables when left out.")
    ] = None,
    person: Annotated[list[str] | None, typer.Option(help="A role that is a person.")] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="A role that is an application.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A folder for the roster, import file, SQL and report.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a roster for a live server: who would be what, and gain and lose what by it.

    Reads the catalogs in one read-only transaction, as any role; changes nothing. A password
    comes from PGPASSWORD, ~/.pgpass or a service file. Exits with 3 when something has no place.
    """
    if problems := [*environment_name_problems(stack)]:
        raise typer.BadParameter(f"the stack {stack!r} {problems[0]}.")
    if both := {*(person or ())} & {*(service or ())}:
        raise typer.BadParameter(f"{min(both)} is named as a person and as a service.")
    if output is not None:
        _refuse_to_overwrite(output)
    declaration = Declaration.load(stack) if dsn is None else None
    settings = declaration.settings if declaration else Settings.parse(stack, {}, "the defaults")
    parameters = _parameters(dsn, declaration, database)
    theirs = {} if dsn is None else dict(context.obj or {})
    proposal = _proposal(parameters, theirs, settings, schema or [], person or [], service or [])
    if output is not None:
        _write(output, proposal, stack)
    if as_json:
        typer.echo(json.dumps(documents.as_json(proposal, stack), indent=2))
    elif output is None:
        typer.echo(documents.report(proposal), nl=False)
    placing = proposal.placing
    counted = f"{len(placing.engineers)} people, {len(placing.services)} services"
    unsure = f" ({len(placing.unsure)} unsure)" if placing.unsure else ""
    where = f"; read {output / documents.REPORT}" if output else ""
    typer.echo(f"{counted}{unsure}, {len(proposal.unplaced)} not placed{where}", err=True)
    if proposal.unplaced:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _parameters(
    dsn: str | None, chosen: Declaration | None, database: str | None
) -> dict[str, str]:
    if chosen is not None:
        folder = StackFolder(chosen.folder)
        return sign_in(
            folder.primary,
            PROVISIONER,
            folder.provisioner,
            folder.authority.certificate,
            database or chosen.settings.database,
        )
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(dsn or "").items()}
    except psycopg.Error:
        # Not repeated: it may hold a password.
        raise typer.BadParameter(
            "the DSN is no connection string of libpq, such as 'host=db.example.com user=reader "
            "dbname=shop', and no such URL."
        ) from None
    if found.keys() & {"password", "sslpassword"}:
        raise typer.BadParameter(
            "the DSN holds a password, which everybody on this machine can read in the list of "
            "processes. Change it, and give it in PGPASSWORD, ~/.pgpass or a service file."
        )
    return found | ({"dbname": database} if database else {})


def _proposal(parameters: dict[str, str], environment: dict[str, str], *chosen: Any) -> Proposal:
    defaults = {"connect_timeout": "10", "application_name": "strongroom"}
    try:
        with (
            _libpq_settings(environment),
            psycopg.connect(
                make_conninfo(**{**defaults, **parameters}), autocommit=True
            ) as session,
        ):
            if session.info.server_version < _OLDEST:
                raise StrongroomError(
                    f"The server is PostgreSQL {session.info.server_version // 10000}, whose "
                    "memberships have no options yet, so rights cannot be told from switches. "
                    "Upgrade it to 16 or newer first. Nothing was changed."
                )
            return propose(session, *chosen)
    except psycopg.Error as error:
        raise StrongroomError(
            f"The server could not be looked at: {' '.join(str(error).split())}. Nothing was "
            "changed. Check host, port, database and user, and that the password is in "
            "PGPASSWORD, ~/.pgpass or a service file."
        ) from error


@contextmanager
def _libpq_settings(environment: dict[str, str]) -> Iterator[None]:
    """What the shell says about servers, put back for one that is not ours."""
    theirs = {name: value for name, value in environment.items() if name.startswith("PG")}
    os.environ.update(theirs)
    try:
        yield
    finally:
        for name in theirs:
            os.environ.pop(name, None)


def _refuse_to_overwrite(folder: Path) -> None:
    names = (documents.ROSTER, documents.IMPORT, documents.REPORT, documents.HANDOVER)
    if there := [name for name in names if (folder / name).exists()]:
        raise StrongroomError(
            f"{folder} holds {there[0]} already, which may be in use, so nothing was written. Name "
            "another folder."
        )


def _write(folder: Path, proposal: Proposal, stack: str) -> None:
    contents = {
        documents.ROSTER: documents.roster(proposal, stack),
        documents.IMPORT: json.dumps(documents.imported(proposal, stack), indent=2) + "\n",
        documents.HANDOVER: proposal.handover,
        documents.REPORT: documents.report(proposal),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise StrongroomError(
            f"{folder} could not be written to: {error.strerror}. Name a folder of yours."
        ) from error
