"""A whole drill: a scratch stack is made, lost and recovered, once or more often, and removed."""

import os
import platform
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from strongroom.cluster import snapshots
from strongroom.cluster.snapshots import Retention
from strongroom.declaration import Declaration
from strongroom.drill import scratch as scratches
from strongroom.drill.cast import Play
from strongroom.drill.outage import TITLES, Outage, Wish
from strongroom.drill.result import Result, Round
from strongroom.drill.scratch import Scratch
from strongroom.drill.shop import Shop
from strongroom.drill.stage import Progress, Stage, expect
from strongroom.errors import StrongroomError

# What a drill takes on its disk: the database on primary and replicas, in the vault, its WAL twice,
# the copy that is recovered and what is restored from it; and bytes for all that is always there.
_COPIES, _ALWAYS = 9, 1_500_000_000
_FIRST = ("making a scratch stack", "filling its database")
_LAST = "removing the scratch stack"


@dataclass(frozen=True)
class Order:
    """What kind of drill is wanted.

    Attributes:
        way: migrate or swap.
        source: replica or snapshot.
        size: bytes of the database, 1 MB or more.
        delay: how far the replica stays behind, 0 to 86,400 s.
        times: how many outages, 1 or more.
        inside: the folder to make the scratch stack in; it exists.
        keep: whether it is left there, running.
        limits: whether a missed limit fails the drill.
    """

    way: str
    source: str
    size: int
    delay: int
    times: int
    inside: Path
    keep: bool = False
    limits: bool = True


def play(real: Declaration, order: Order, progress: Progress) -> Result:
    """Replay the outage on a copy of a stack; the stack itself is neither read nor touched.

    Raises:
        StrongroomError: it could not be played to the end.
    """
    begun, clock = datetime.now(UTC), time.monotonic()
    refuse_full_disk(order)
    for left in scratches.sweep(order.inside):
        progress.keep(f"{left}, left by a drill that was killed, is removed")
    cast = Play.of(real)
    scratch = Scratch.lay_out(real, cast, order.delay, order.inside)
    count = len(_FIRST) + len(TITLES) * order.times + 1
    stage = Stage(scratch, progress, count)
    with scratch.held():
        try:
            shop = Shop(scratch, cast.cast)
            size = _make(stage, shop, order)
            server = scratch.stack.primary.package.version
            before = tuple(stage.steps)
            rounds: list[Round] = []
            for number in range(1, order.times + 1):
                wish = Wish(order.way, order.source, size, order.delay)
                journals = [scratch.base / f"journal-{each}.jsonl" for each in range(1, number)]
                rounds.append(Outage(stage, cast.cast, shop, wish, number, journals).play())
                _tidy(scratch)
        except psycopg.Error as error:
            raise StrongroomError(
                "The drill could not go on: a server of the scratch stack refused something "
                f"({' '.join(str(error).split())}). The real stack was not touched. Run it again, "
                "or look at the scratch stack with --keep."
            ) from error
        finally:
            _end(stage, keep=order.keep)
    return Result(
        stack=real.environment,
        begun=begun,
        seconds=round(time.monotonic() - clock, 1),
        server=server,
        rounds=tuple(rounds),
        before=before,
        limits=order.limits,
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    )


def refuse_full_disk(order: Order) -> None:
    """Raise `StrongroomError` when the scratch stack would fill the disk."""
    needed = order.size * _COPIES + _ALWAYS
    free = shutil.disk_usage(order.inside).free
    if free < needed:
        raise StrongroomError(
            f"A drill with {order.size / 1e6:,.0f} MB takes up to {needed / 1e9:.1f} GB in "
            f"{order.inside}, where {free / 1e9:.1f} GB are free, so it was not begun. Free space, "
            "name a folder on another disk, or take a smaller size."
        )


def _make(stage: Stage, shop: Shop, order: Order) -> int:
    with stage.step(_FIRST[0]):
        done = expect(stage.engine("up"), "pulumi up")
        created = next((line.text.strip() for line in done.lines if "created" in line.text), "")
        stage.tell(f"pulumi up: {created}")
    with stage.step(_FIRST[1]):
        size = shop.fill(order.size)
        stage.tell(f"{size / 1e6:,.0f} MB in four tables")
    return size


def _tidy(scratch: Scratch) -> None:
    """Remove what a round leaves and the next one does not need, so that the disk stays free."""
    shutil.rmtree(scratch.stack.final_snapshots, ignore_errors=True)
    none = Retention(timedelta(0), timedelta(0))
    snapshots.expire(scratch.vault, scratch.stack.primary, none)


def _end(stage: Stage, *, keep: bool) -> None:
    scratch = stage.scratch
    if keep:
        scratches.keep(scratch)
        stage.progress.keep(
            f"the scratch stack runs on in {scratch.base}; it is removed by "
            f"`python -m strongroom.drill.scratch {scratch.base}`"
        )
        return
    try:
        stage.progress.step(stage.count, stage.count, _LAST)
    finally:  # also when nobody reads the progress any more
        scratch.remove()
