"""`strongroom guard`: a command that would reach a guarded database is not run."""

import json
import os
import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from strongroom.cli.options import JsonOption
from strongroom.errors import StrongroomError
from strongroom.guard import report
from strongroom.guard.everything import everything_guarded, portable
from strongroom.guard.matching import Matcher
from strongroom.guard.scan import scan as scan_files
from strongroom.guard.scan import scan_staged
from strongroom.guard.verdict import Verdict, verdict_on

REFUSED = 3
_COMMAND = "strongroom.guard.command"


class _Group(TyperGroup):
    """A group in which what follows `--` is a command to run, not one of its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set the command aside; `--` behind one of our own commands stays where it is."""
        options = args[: args.index("--")] if "--" in args else args
        if "--" in args and not self.commands.keys() & set(options):
            ctx.meta[_COMMAND] = args[len(options) + 1 :]
            args = options
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Say what is missing where a command to run stands without `--`."""
        if args and args[0] not in self.commands:
            ctx.fail(f"Put -- before the command to run: strongroom guard -- {args[0]} …")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Group, invoke_without_command=True, subcommand_metavar="-- COMMAND | scan | list"
)

GuardedOption = Annotated[
    Path | None,
    typer.Option("--guarded", metavar="FILE", help="Guard what this file declares, too."),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Ask no resolver and look at no server.")
]


@app.callback()
def guard(
    context: typer.Context,
    guarded: GuardedOption = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Sign in with what is found and read the marker.")
    ] = False,
    offline: OfflineOption = False,
) -> None:
    """Run COMMAND, unless something here would lead it to a guarded database.

    Looked at are the environment, .env files, service files, .pgpass, the configuration of
    usual frameworks, and the arguments. Exits with 3 when the command is refused, with 2 when
    nothing is declared as guarded, and else as COMMAND does.
    """
    if context.invoked_subcommand is not None:
        return
    command: list[str] = context.meta.get(_COMMAND, [])
    if not command:
        raise typer.BadParameter("Name a command to run: strongroom guard -- COMMAND")
    if probe and offline:
        raise typer.BadParameter("--probe signs in to servers, which --offline rules out")
    environment, here = _environment(context), Path.cwd()
    known = everything_guarded(guarded, environment, here)
    matcher = Matcher(known, resolve=not offline, look=not offline, ask=probe)
    with _keeping_secrets():
        found = verdict_on(command, environment, here, known, matcher)
    console = Console(stderr=True, highlight=False)
    if found.refused:
        program = Path(command[0]).name
        console.print(f"strongroom guard: {program} was not run.", style="bold", markup=False)
    report.show(console, found)
    if found.refused:
        console.print(f"\n{report.HOW_TO_GO_ON}", soft_wrap=True, markup=False)
        raise typer.Exit(REFUSED)
    _become(command, environment)


@app.command("scan")
def scan(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders.")] = None,
    guarded: GuardedOption = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="Scan what is staged in git instead.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on database passwords of any host, too.")
    ] = False,
    as_json: JsonOption = False,
    offline: OfflineOption = False,
) -> None:
    """Look through a repository for anything that names or reaches a guarded database.

    Exits with 0 when it is clean, with 3 when there are findings, with 2 when nothing is
    declared as guarded. Servers are never connected to.
    """
    if staged and paths:
        raise typer.BadParameter("--staged scans the index, not paths: leave one of them out")
    here = Path.cwd()
    known = everything_guarded(guarded, _environment(context), here)
    matcher = Matcher(known, resolve=not offline, look=False)
    with _keeping_secrets():
        if staged:
            found = scan_staged(here, known, matcher)
        else:
            found = scan_files(paths or [Path()], known, matcher)
    refused = found.refused or (strict and any(one.allowed is None for one in found.findings))
    if as_json:
        typer.echo(json.dumps(report.as_json(found, refused), indent=2))
    else:
        _show_scan(found)
    if refused:
        raise typer.Exit(REFUSED)


@app.command("list")
def list_guarded(
    context: typer.Context,
    guarded: GuardedOption = None,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print a file to commit into other repositories.")
    ] = False,
) -> None:
    """Show what is guarded and who says so."""
    known = everything_guarded(guarded, _environment(context), Path.cwd())
    if as_yaml:
        typer.echo(portable(known), nl=False)
        return
    table = Table("environment", "reached at", "certificates", "declared in", box=None)
    for one in known:
        places = ", ".join(place.text for place in one.places) or "unknown"
        count = len(one.fingerprints) + len(one.authorities)
        table.add_row(one.environment, places, str(count), one.source)
    Console(soft_wrap=True, highlight=False).print(table)


def _environment(context: typer.Context) -> Mapping[str, str]:
    """The shell's own variables, with the PG* ones that the rest of Strongroom does not want."""
    kept = context.find_object(dict)
    return dict(os.environ) if kept is None else kept


@contextmanager
def _keeping_secrets() -> Iterator[None]:
    """Tell a fault by its place: the message of an exception may quote what was being read."""
    try:
        yield
    except StrongroomError:
        raise
    except Exception as error:  # noqa: BLE001 - raised again, without what it quotes
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise StrongroomError(
            f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}, which is a "
            "fault of strongroom guard. Nothing was cleared and nothing was run. Please report "
            "it; until it is mended, work without the file that causes it."
        ) from None


def _show_scan(found: Verdict) -> None:
    console = Console(highlight=False)
    report.show(console, found)
    open_ones = sum(finding.allowed is None for finding in found.findings)
    files = "1 file" if found.files == 1 else f"{found.files} files"
    console.print(f"{files}, {open_ones or 'no'} finding{'' if open_ones == 1 else 's'}.")


def _become(command: list[str], environment: Mapping[str, str]) -> None:
    # Python ignores it, and the command would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, dict(environment))  # noqa: S606 - what was asked for
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        raise StrongroomError(
            f"{Path(command[0]).name} could not be started: {reason}. Nothing was run. Name a "
            "program that is on your PATH."
        ) from error
