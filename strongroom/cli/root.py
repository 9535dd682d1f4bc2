"""`strongroom root`: root's password changed, root opened in an emergency, and the record of it."""

import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.breakglass import anchors
from strongroom.breakglass.glass import LONGEST, Glass, Kind, asked
from strongroom.breakglass.opening import Access, opened
from strongroom.breakglass.record import Entry, Event, Record
from strongroom.breakglass.verifying import Verdict, verify
from strongroom.cli.connect import running_primary, session_settings
from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.cluster import psql
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.stack import StackFolder
from strongroom.declaration import Declaration
from strongroom.tiers import Tier

# Root has no tier whose limit would hold: that of a senior by default.
_ROOT_SETTINGS = {"statement_timeout": "15min", "idle_in_transaction_session_timeout": "5min"}
_READ_ONLY = {"default_transaction_read_only": "on"}

app = typer.Typer(
    help="Root's password, the emergency access to it, and the record of that.",
    no_args_is_help=True,
)


@app.command("rotate")
def rotate(stack: StackOption = "local") -> None:
    """Give root another password now. Nobody sees the old one or the new one."""
    chosen = Declaration.load(stack)
    cluster = running_primary(chosen)
    root = LocalRoot(cluster)
    with cluster.locked():
        since = Rotation(root).run()
    with Record(chosen.folder).writing() as writer:
        entry = writer.append(Event.ROTATED)
    anchors.anchor(root, entry)
    typer.echo(f"root's password was rotated at {since:%Y-%m-%d %H:%M:%S} UTC")


@app.command("break-glass", context_settings={"allow_extra_args": True})
def break_glass(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who you are: an engineer of the roster.")],
    reason: Annotated[str, typer.Option(help="What you are going to do, and why.")] = "",
    ticket: Annotated[str, typer.Option(help="Where the work is described.")] = "",
    approver: Annotated[str, typer.Option(help="Another person, a senior, who said yes.")] = "",
    root: Annotated[
        bool, typer.Option("--root", help="Root itself instead of a senior's rights.")
    ] = False,
    minutes: Annotated[
        int, typer.Option(help=f"When it ends at the latest: 1 to {LONGEST}.")
    ] = LONGEST,
    write: Annotated[
        bool, typer.Option("--write", help="With --root: a session that is not read-only.")
    ] = False,
    stack: StackOption = "local",
) -> None:
    """Start psql as NAME with the rights of a senior, or as root, for at most an hour.

    It ends when psql ends, when the time is over, or when this command is killed, whichever comes
    first. Who, why and who approved are on record and told to everybody before anything is given.
    What follows `--` is given to psql. Root's password is changed as soon as it ends.
    """
    chosen = Declaration.load(stack)
    kind = Kind.ROOT if root else Kind.SENIOR
    glass = asked(chosen, name, approver, reason, ticket, kind, minutes)
    cluster = running_primary(chosen)
    folder = StackFolder(chosen.folder)
    settings, said = _session(chosen, glass, write=write)
    with opened(folder, glass, chosen.settings.database, _say) as access:
        _say(f"break-glass {glass.id}: {glass.told()}. It ends when you leave psql.")
        variables = psql.variables(access.parameters, settings)
        code = _psql(context.args, variables, said, access, cluster.package, glass.until)
    _say(_ended(Record(chosen.folder).entries(), glass))
    raise typer.Exit(code)


@app.command("record")
def record(
    stack: StackOption = "local",
    as_json: JsonOption = False,
    verified: Annotated[
        bool, typer.Option("--verify", help="Look for entries that were changed or are missing.")
    ] = False,
) -> None:
    """Show who opened the glass, when and why. Exits with 3 when --verify finds something."""
    chosen = Declaration.load(stack)
    entries = Record(chosen.folder).entries()
    verdict = verify(chosen.folder) if verified else None
    if as_json:
        found = asdict(verdict) if verdict else {}
        typer.echo(json.dumps({"entries": [asdict(each) for each in entries], **found}, indent=2))
    else:
        _show(entries)
        _show_verdict(verdict, len(entries))
    if verdict and verdict.problems:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _session(stack: Declaration, glass: Glass, *, write: bool) -> tuple[dict[str, str], str]:
    """The settings of the session, and its prompt."""
    if glass.kind is Kind.SENIOR:
        return session_settings(stack, Tier.SENIOR), psql.prompt(stack.environment, "SENIOR")
    note = "ROOT" if write else "ROOT READ ONLY"
    settings = _ROOT_SETTINGS if write else {**_ROOT_SETTINGS, **_READ_ONLY}
    return settings, psql.prompt(stack.environment, note, alarm=True)


def _psql(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    said: str,
    access: Access,
    package: ServerPackage,
    until: datetime,
) -> int:
    """Run psql until it ends or the time is over; returns the exit code to end with."""
    command = [str(package.tool("psql")), *arguments]
    command, more = psql.prompted(command, said, access.folder, package)
    # What psql gets Ctrl-C for must not end this process, which waits for it.
    signal.signal(signal.SIGINT, lambda *_: None)
    remaining = (until - datetime.now(UTC)).total_seconds()
    with _terminal_kept():
        process = subprocess.Popen(command, env={**os.environ, **variables, **more})
        try:
            return max(process.wait(max(remaining, 0)), 0)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
            _say("The time is over.")
            return 1


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Leave the terminal as it was, also when psql had no time to."""
    kept = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        yield
    finally:
        if kept is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, kept)


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _ended(entries: Sequence[Entry], glass: Glass) -> str:
    mine = [entry for entry in entries if entry.id == glass.id]
    closed = next((entry for entry in mine if entry.event == Event.CLOSED), None)
    if closed is None:
        return f"break-glass {glass.id}: not ended yet."
    rotated = "root's password was rotated" if glass.kind is Kind.ROOT else "the rights are gone"
    return f"break-glass {glass.id}: ended ({closed.why}); {rotated}."


def _show(entries: Sequence[Entry]) -> None:
    if not entries:
        typer.echo("The glass was never opened.")
        return
    columns = ("", "at", "event", "id", "who", "gets", "until", "approver", "ticket", "reason")
    table = Table(*columns, "by", box=None)
    for entry in entries:
        reason = entry.why or entry.reason
        cells = (str(entry.seq), entry.at, entry.event, entry.id, entry.who, entry.kind)
        more = (entry.until, entry.approver, entry.ticket, reason, entry.os_user)
        table.add_row(*(Text(_printable(cell), overflow="fold") for cell in (*cells, *more)))
    # In a pipe as wide as it takes: a line cut in two is none for grep.
    width = None if sys.stdout.isatty() else 400
    Console(width=width).print(table)


def _show_verdict(verdict: Verdict | None, count: int) -> None:
    if verdict is None:
        return
    for sentence in (*verdict.problems, *verdict.notes):
        typer.echo(_printable(sentence))
    if not verdict.problems:
        typer.echo(f"verified: {count} entries, nothing edited, missing or cut off")


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
