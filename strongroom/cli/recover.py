"""`strongroom recover`: back to the instant before the event."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from strongroom.cli.options import JsonOption, StackOption
from strongroom.declaration import Declaration
from strongroom.errors import SettingsError, StrongroomError
from strongroom.recovery import copying, event, rendering, target
from strongroom.recovery.abandoning import abandon
from strongroom.recovery.declared import Declared
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Plan, Way, Wish, make
from strongroom.recovery.record import Outcome
from strongroom.recovery.run import Run
from strongroom.recovery.situation import Situation
from strongroom.recovery.sources import Kind
from strongroom.recovery.target import Target

# How far back an event is looked for that nobody named a point for.
_LOOK_BACK = timedelta(days=7)


class Follower:
    """Shows a run on standard error: a line a step, and on a terminal what it is doing."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._status: Status | None = None
        self._title = ""

    def step(self, number: int, count: int, title: str) -> None:
        """A step begins."""
        self._title = f"{number}/{count} {title}"
        if not self._console.is_terminal:
            self._console.print(self._title, markup=False)
        elif self._status is None:
            self._status = self._console.status("")
            self._status.start()
        self.note("")

    def note(self, text: str) -> None:
        """What is worked on within it."""
        if self._status is not None:
            width = max(self._console.width - len(self._title) - 10, 10)
            self._status.update(f"{self._title}  [dim]{text[:width].replace('[', '(')}[/]")

    def keep(self, text: str) -> None:
        """Something worth remembering."""
        self._console.print(f"    {text}", markup=False)

    def end(self) -> None:
        """Nothing is worked on any more."""
        if self._status is not None:
            self._status.stop()


def recover(
    stack: StackOption = "local",
    to: Annotated[
        str,
        typer.Option(
            help="The point: an LSN (what begins there is undone), a time (what was committed by "
            "then is kept), or `end` when files are lost. Default: before the latest event."
        ),
    ] = "",
    database: Annotated[str, typer.Option(help="The database to bring back.")] = "",
    table: Annotated[
        list[str] | None, typer.Option(help="Only this table, as schema.name; may be repeated.")
    ] = None,
    way: Annotated[
        Way | None,
        typer.Option(
            help="migrate restores the database into the running primary; swap makes the "
            "recovered cluster the primary and keeps the old one aside."
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(help="replica, snapshot, or the name of one. Default: the quickest.")
    ] = "",
    swap_delayed: Annotated[
        bool, typer.Option("--swap-delayed", help="Use up the replica itself; no copy is made.")
    ] = False,
    abandon_it: Annotated[
        bool, typer.Option("--abandon", help="Remove what an unfinished recovery left.")
    ] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show the plan and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Go back to the instant before the event: a copy is recovered and brought back.

    Shows a plan and asks before anything is changed. A run that was stopped, however, goes on
    when the command is run again; --abandon removes what it left instead. Exits with 0 when it is
    recovered, 1 when it failed, and 2 when the command line is wrong.
    """
    chosen = Declaration.load(stack)
    situation = Situation(Declared.of(chosen))
    if abandon_it:
        _say_abandoned(abandon(situation))
        return
    begun = Journal.at(situation.stack)
    if begun is not None:
        asked = [to, database, table, way, source, swap_delayed]
        _refuse_another(begun, asked=any(asked))
        plan = begun.plan
    else:
        named = target.tables(table or [])
        wish = _wish(situation, to, database or chosen.settings.database, named)
        plan = make(situation, _narrowed(wish, way, source, consume=swap_delayed))
    if not as_json:
        _show(plan, begun)
    if plan_only or (as_json and not yes):
        if as_json:
            typer.echo(json.dumps({"plan": plan.dump()}, indent=2))
        return
    with _source_waits(situation, plan, begun):
        if not yes:
            _ask()
        run = _run(situation, plan, begun)
    if as_json:
        typer.echo(json.dumps({"plan": run[0].dump(), "outcome": asdict(run[1])}, indent=2))


def _wish(situation: Situation, to: str, database: str, tables: tuple[str, ...]) -> Wish:
    if to:
        return Wish(Target.parse(to), database, tables)
    found = event.latest(situation, datetime.now(UTC) - _LOOK_BACK, database)
    return Wish(found, found.database or database, tables or found.tables)


def _narrowed(wish: Wish, way: Way | None, source: str, *, consume: bool) -> Wish:
    # Who asks for a way means the whole database, whatever the event was.
    tables = () if (way or consume) and wish.tables == wish.target.tables else wish.tables
    return Wish(wish.target, wish.database, tables, way, source or None, consume)


def _run(situation: Situation, plan: Plan, begun: Journal | None) -> tuple[Plan, Outcome]:
    follower = Follower()
    try:
        if begun is not None:
            run = Run(situation, begun, follower)
        else:
            run = Run.begin(situation, plan, follower)
        outcome = run.go()
    finally:
        follower.end()
    typer.echo(f"recovered: serves again after {outcome.seconds:.1f} s", err=True)
    return run.plan, outcome


@contextmanager
def _source_waits(situation: Situation, plan: Plan, begun: Journal | None) -> Iterator[None]:
    """Keep a replica from replaying past the target while a person reads the plan."""
    replicas = {replica.directory.name: replica for replica in situation.replicas}
    source = replicas.get(plan.source.name) if plan.source.kind is Kind.REPLICA else None
    if source is None or begun is not None:
        yield
        return
    copying.pause(source, situation.primary)
    try:
        yield
    finally:
        copying.resume(source, situation.primary)


def _ask() -> None:
    if not sys.stdin.isatty():
        problem = (
            "there is nobody to confirm the plan, because standard input is no terminal; --yes "
            "does without, --plan only shows it"
        )
        raise SettingsError("the command line", [problem])
    typer.confirm("Do this?", abort=True, err=True)


def _refuse_another(begun: Journal, *, asked: bool) -> None:
    if asked:
        raise StrongroomError(
            f"A recovery that was planned at {begun.plan.made} is not finished, so no other one is "
            "begun and nothing was changed. `strongroom recover` without options goes on with it; "
            "`strongroom recover --abandon` removes what it left."
        )


def _show(plan: Plan, begun: Journal | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if begun is not None:
        done = ", ".join(begun.done) or "nothing"
        console.print(f"An unfinished recovery goes on; done so far: {done}.", markup=False)
    for label, text in rendering.lines(plan):
        console.print(f"{label:>10}  {text}", markup=False)


def _say_abandoned(done: list[Any]) -> None:
    for line in done:
        typer.echo(line)
    if not done:
        typer.echo("There was no unfinished recovery.", err=True)
