"""`strongroom drill`: the outage, replayed on a scratch copy of the stack."""

import json
import re
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.cli.recover import Follower
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.vault import Vault
from strongroom.declaration import Declaration
from strongroom.drill import kept, restoring
from strongroom.drill.drill import Order, play
from strongroom.drill.kept import Kept
from strongroom.drill.result import Result, summary
from strongroom.home import Home
from strongroom.recovery.plan import Way
from strongroom.recovery.sources import Kind

_SIZE = re.compile(r"(\d{1,6})\s*(MB|GB)", re.IGNORECASE)
_BYTES = {"MB": 1_000_000, "GB": 1_000_000_000}


def drill(
    stack: StackOption = "local",
    size: Annotated[str, typer.Option(help="Of the database, such as 64MB or 1GB.")] = "64MB",
    source: Annotated[Kind, typer.Option(help="What it is recovered from.")] = Kind.REPLICA,
    way: Annotated[Way, typer.Option(help="How it comes back.")] = Way.MIGRATE,
    times: Annotated[int, typer.Option(min=1, max=1000, help="Outages, one after another.")] = 1,
    delay: Annotated[
        int, typer.Option(min=5, max=3600, help="Seconds the delayed replica stays behind.")
    ] = 30,
    html: Annotated[
        Path | None, typer.Option(help="Write a report with a timeline to this file.")
    ] = None,
    inside: Annotated[
        Path | None,
        typer.Option("--in", exists=True, file_okay=False, help="Where the scratch stack lies."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the scratch stack running.")] = False,
    limits: Annotated[
        bool, typer.Option("--limits/--no-limits", help="Whether a missed limit fails the drill.")
    ] = True,
    restore_only: Annotated[
        bool,
        typer.Option("--restore-only", help="Only restore the newest snapshot, beside the stack."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Replay the outage on a scratch copy of the stack, and prove that nothing is lost.

    The real stack is never touched. With --restore-only nothing is dropped: the stack's newest
    snapshot and its archive are restored beside it and looked at, as its agent does on schedule.
    What came of it is kept, and `strongroom status` shows the last one. Exits
    with 0 when the drill passed, with 3 when it did not, and with 1 when it could not be played to
    the end.
    """
    chosen = Declaration.load(stack)
    signal.signal(signal.SIGTERM, _interrupted)
    if restore_only:
        _restore(chosen, as_json=as_json)
        return
    order = Order(
        way=way.value,
        source=source.value,
        size=_bytes(size),
        delay=delay if source is Kind.REPLICA else 0,
        times=times,
        inside=inside or Path(tempfile.gettempdir()),
        keep=keep,
        limits=limits,
    )
    follower = Follower()
    try:
        result = play(chosen, order, follower)
    finally:
        follower.end()
    if chosen.folder.is_dir():
        kept.keep(chosen.folder, _line(result))
    if html is not None:
        from strongroom.drill import report  # with Jinja2, which the guard's hook does without

        report.write(result, html)
        typer.echo(f"the report is in {html}", err=True)
    if as_json:
        typer.echo(json.dumps(result.dump(), indent=2))
    else:
        _show(result)
    if not result.passed:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _restore(chosen: Declaration, *, as_json: bool) -> None:
    primary = StackFolder(chosen.folder).primary
    checks = sorted((Home.find().checkout / "checks").glob("*.sql"))
    vault = Vault(chosen.vault, primary.user)
    subject = restoring.Subject(primary, vault, chosen.settings.database, tuple(checks))
    follower = Follower()
    try:
        follower.step(1, 1, f"restoring the newest snapshot of {chosen.environment}")
        result = restoring.drill(subject, follower.note)
    finally:
        follower.end()
    if as_json:
        typer.echo(json.dumps(result.dump(), indent=2))
    else:
        typer.echo(result.told)
    if not result.passed:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _line(result: Result) -> Kept:
    """What is kept of a drill."""
    facts = summary(result.rounds)
    told = (
        f"{facts['rounds']} outages: serves again after {facts['rto']['worst']:.1f} s at most, "
        f"{facts['lost']} of {facts['acknowledged']:,} forms lost"
    )
    problems = "; ".join(result.problems)
    return Kept(
        at=datetime.now(UTC),
        kind=kept.Kind.OUTAGE,
        passed=result.passed,
        seconds=result.seconds,
        told=f"{told}. {problems}" if problems else told,
        facts=facts,
    )


def _interrupted(*_: object) -> NoReturn:
    """End in order, as after Ctrl-C: the scratch stack goes."""
    raise KeyboardInterrupt


def _bytes(size: str) -> int:
    found = _SIZE.fullmatch(size.strip())
    if not found or int(found[1]) == 0:
        raise typer.BadParameter(
            f"{size!r} is no size such as 64MB or 1GB, so it is not known how much to fill in.",
            param_hint="--size",
        )
    return int(found[1]) * _BYTES[found[2].upper()]


def _show(result: Result) -> None:
    # In a pipe as wide as it takes: a line cut in two is none for grep.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    columns = ("outage", "noticed", "culprit named", "serves again (RTO)", "lost (RPO)", "forms")
    table = Table(*columns, box=None)
    for each in result.rounds:
        table.add_row(
            str(each.number),
            f"{each.detected:.1f} s",
            f"{each.named:.1f} s",
            f"{each.resumed:.1f} s",
            f"{len(each.verdict.lost)} forms, {each.lost_seconds:.1f} s",
            f"{each.verdict.acknowledged:,}",
        )
    console.print(table)
    for limit in (limit for each in result.rounds for limit in each.limits):
        kept_it = "" if limit.kept else "  [red]missed[/]"
        console.print(f"{limit.what}: {limit.measured:.1f} s of {limit.most:.0f} s{kept_it}")
    for problem in result.problems:
        console.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
    outcome = "[green]passed[/]" if result.passed else "[red]did not pass[/]"
    count = "1 outage" if len(result.rounds) == 1 else f"{len(result.rounds)} outages"
    console.print(f"the drill {outcome}: {count}, {result.seconds:.0f} s in all")
