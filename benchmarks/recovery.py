"""How long it takes to be back, and what being ready for it costs.

`python -m benchmarks.recovery --part recover|culprit|drills|steady [--size 1GB] [--runs 3]`. Each
part runs on a stack of its own on the disk; what it is compared with is measured in the same run.
"""

import json
import os
import statistics
import time
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.accident import Back, prepare, there_and_back, wait_for_rows
from benchmarks.stand import Stand, Writer, bytes_of, pgbench, run_pgbench, stand
from strongroom.incident.find import find
from strongroom.recovery.plan import Way
from strongroom.recovery.sources import Kind

# Rows changed between the snapshot and the accident for each byte of the database: about a tenth
# of it in WAL.
_CHANGED = 1 / 4000
# Seconds after which servers and agent have begun all they do when they start.
_SETTLED = 8
_SMALL = 50_000_000
_CONSOLE = Console(stderr=True, highlight=False)


class Part(StrEnum):
    """What is measured."""

    RECOVER = "recover"
    CULPRIT = "culprit"
    DRILLS = "drills"
    STEADY = "steady"


def main(
    part: Annotated[Part, typer.Option(help="What to measure.")] = Part.RECOVER,
    size: Annotated[str, typer.Option(help="Of the database: 1GB, 200MB.")] = "1GB",
    runs: Annotated[int, typer.Option(min=1, help="How often each is done.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="Of each run of pgbench.")] = 10,
    clients: Annotated[int, typer.Option(min=1, max=30, help="Sessions of pgbench.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print one part's table: median, least and most."""
    if part is Part.STEADY:
        with stand(_SMALL) as made:
            found, table = _steady(made, runs, seconds, clients)
    else:
        measured = {Part.RECOVER: _recover, Part.CULPRIT: _culprit, Part.DRILLS: _drills}[part]
        with stand(_SMALL if part is Part.DRILLS else bytes_of(size)) as made:
            found, table = measured(made, runs)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        Console(width=max(Console().width, 110)).print(table)


def _recover(made: Stand, runs: int) -> tuple[Any, Table]:
    """Drop the database under a writer and bring it back: each source, each way."""
    table = _table(
        "source, way",
        "serves again, s",
        "floor, s",
        "times the floor",
        "found and planned, s",
        "lost",
    )
    found: dict[str, list[Any]] = {}
    for kind in Kind:
        for way in Way:
            backs = []
            for _ in range(runs):
                prepare(made, kind, int(made.size() * _CHANGED))
                backs.append(there_and_back(made, kind, way, floor=True))
                _CONSOLE.print(f"{kind} {way}", asdict(backs[-1]))
            found[f"{kind} {way}"] = [asdict(back) for back in backs]
            table.add_row(
                f"{kind}, {way}",
                _spread([back.serves for back in backs]),
                _spread([back.floor for back in backs]),
                _spread([back.serves / back.floor for back in backs]),
                _spread([back.plan for back in backs]),
                f"{sum(back.lost for back in backs)} of {sum(back.rows for back in backs):,}",
            )
    table.title = f"{made.size() / 1e9:.2f} GB, {runs} runs each: median (least to most)"
    return found, table


def _culprit(made: Stand, runs: int) -> tuple[Any, Table]:
    """Drop and truncate tables under load; how long until who did it is named."""
    table = _table("event", "named after, s", "of them")
    found: dict[str, list[float]] = {}
    for kind, statement in (("table dropped", "DROP TABLE"), ("truncate", "TRUNCATE")):
        times = []
        named = 0
        for _ in range(runs):
            made.work(int(made.size() * _CHANGED))
            with made.root() as root, Writer(made) as writer:
                root.execute("CREATE TABLE app.gone AS SELECT generate_series(1, 1000) AS id")
                root.execute("SET strongroom.confirm = 'drop table app.gone'")
                wait_for_rows(writer)
                began = datetime.now(UTC)
                begun = time.monotonic()
                root.execute(f"{statement} app.gone".encode())
                events = find(made.cluster, made.vault, began).events
                times.append(round(time.monotonic() - begun, 2))
                named += events[0].kind == kind and events[0].culprit is not None
                root.execute("DROP TABLE IF EXISTS app.gone")
        found[kind] = times
        table.add_row(kind, _spread(times), f"{named} of {runs}")
    table.title = f"{made.size() / 1e9:.2f} GB, {runs} events of each kind: median (least to most)"
    return found, table


def _drills(made: Stand, runs: int) -> tuple[Any, Table]:
    """One recovery after the other on the same stack, from each source and each way in turn."""
    turns = [(kind, way) for kind in Kind for way in Way]
    backs: list[tuple[Kind, Way, Back]] = []
    for number in range(runs):
        kind, way = turns[number % len(turns)]
        prepare(made, kind, 1000)
        backs.append((kind, way, there_and_back(made, kind, way, floor=False)))
        _CONSOLE.print(f"{number + 1}/{runs} {kind} {way}: {backs[-1][2].lost} rows lost")
    table = _table("source, way", "drills", "serves again, s", "acknowledged rows", "lost")
    for kind, way in turns:
        mine = [back for *turn, back in backs if turn == [kind, way]]
        if mine:
            table.add_row(
                f"{kind}, {way}",
                str(len(mine)),
                _spread([back.serves for back in mine]),
                f"{sum(back.rows for back in mine):,}",
                str(sum(back.lost for back in mine)),
            )
    table.title = f"{runs} drills in a row, {made.size() / 1e6:.0f} MB: median (least to most)"
    return [{"source": kind, "way": way, **asdict(back)} for kind, way, back in backs], table


def _steady(made: Stand, runs: int, seconds: int, clients: int) -> tuple[Any, Table]:
    """Pgbench on the same cluster without and with all that is done to be ready.

    Where the machine has other work, the share of its processors that agent and archiver took
    tells more than the two throughputs.
    """
    run_pgbench(made, "--initialize", "--scale=20", "--quiet")
    made.snapshot()
    work = {"TPC-B-like": (), "SELECT only": ("--select-only",)}
    table = _table("pgbench", "without, tx/s", "with, tx/s", "cost, %", "processors, %", "pairs")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in work}
    for number in range(runs):
        tps: dict[tuple[str, bool], float] = {}
        spent: dict[str, float] = {}
        # Which comes first changes, so that what grows with time hits both alike.
        for on in (False, True) if number % 2 else (True, False):
            made.agent(on=False)
            made.archive(on=on)
            if on:
                made.agent(on=True)
            time.sleep(_SETTLED)
            for name, options in work.items():
                with made.root() as root:
                    root.execute("CHECKPOINT")
                before = made.spent()
                tps[name, on] = pgbench(made, *options, seconds=seconds, clients=clients)
                share = (made.spent() - before) / seconds / (os.cpu_count() or 1)
                spent[name] = share if on else spent.get(name, 0.0)
        for name in work:
            pair = {"off": tps[name, False], "on": tps[name, True], "spent": spent[name]}
            found[name].append(pair)
            _CONSOLE.print(f"{number + 1}/{runs} {name}", found[name][-1])
    for name, pairs in found.items():
        costs = [100 * (1 - pair["on"] / pair["off"]) for pair in pairs]
        without, ready = ([pair[key] for pair in pairs] for key in ("off", "on"))
        shares = [100 * pair["spent"] for pair in pairs]
        spreads = _spread(without, 0), _spread(ready, 0), _spread(costs), _spread(shares)
        table.add_row(name, *spreads, str(len(pairs)))
    table.title = f"{clients} clients, runs of {seconds} s in turns: median (least to most)"
    return found, table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _spread(values: list[float], digits: int = 1) -> str:
    middle, least, most = (
        f"{each:,.{digits}f}" for each in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({least} to {most})"


if __name__ == "__main__":
    typer.run(main)
