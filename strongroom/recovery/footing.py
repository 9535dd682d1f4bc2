"""What every step of a recovery stands on: it is alone, there is room, and its servers run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import psutil
import psycopg

from strongroom.cluster.lock import locked
from strongroom.cluster.room import kept_free
from strongroom.cluster.stack import StackFolder
from strongroom.errors import StrongroomError
from strongroom.recovery.journal import Journal
from strongroom.recovery.transfer import Transfer

# Seconds another recovery of the same stack is waited for.
_PATIENCE = 2

# Steps that work with the copy's server, with the primary's, and that write much.
_COPY_RUNS = ("check", "dump", "restore")
_PRIMARY_RUNS = ("restore", "rename", "replicas", "snapshot")
_WRITES = ("copy", "replay", "dump", "restore")


@contextmanager
def alone(stack: StackFolder) -> Iterator[None]:
    """Keep another recovery of the same stack away."""
    lock: AbstractContextManager[None] = locked(stack.path / "recovery.lock", stack.path, _PATIENCE)
    with lock:
        yield


def refuse_overtaken(stack: StackFolder, made: str) -> None:
    """Raise `StrongroomError` when a plan speaks of a stack that is not the same any more.

    Args:
        stack: the stack.
        made: when the plan was (ISO 8601).
    """
    if Journal.at(stack) is not None:
        raise StrongroomError(
            "Another recovery of this stack was begun meanwhile and is not finished, so this one "
            "is not begun and changes nothing. `strongroom recover` goes on with that one; "
            "`strongroom recover --abandon` removes what it left."
        )
    ended = Journal.ended(stack)
    if ended is not None and ended >= made:
        raise StrongroomError(
            f"Another recovery of this stack ended at {ended}, after this one was planned, so what "
            "is there now is not what was planned for, and nothing was changed. Look whether "
            "anything is still missing; `strongroom recover` plans anew."
        )


def still_wanted(journal: Journal, stack: StackFolder) -> Journal:
    """The recovery as far as it got by now; another process may have gone on with it.

    Raises:
        StrongroomError: another process has finished or abandoned it.
    """
    now = Journal.at(stack)
    if now is None or now.plan.made != journal.plan.made:
        raise StrongroomError(
            "Another process has finished or abandoned this recovery meanwhile, so there is "
            "nothing left to do here and nothing was changed."
        )
    return now


def stand(step: str, title: str, transfer: Transfer, act: Callable[[], None]) -> None:
    """Do a step on firm ground; what the servers or the disk refuse is told in a paragraph.

    Raises:
        StrongroomError: it failed. What it was writing is removed: the primary needs the room.
    """
    recovered, primary = transfer.recovered, transfer.primary

    def make_room() -> None:
        _make_room(step, transfer)

    def give_way() -> None:
        make_room()
        if step == "replay" and (process := recovered.process()):
            with suppress(psutil.NoSuchProcess):
                process.terminate()

    folder = recovered.directory.parent
    room = kept_free(folder, give_way, f"The recovery, {title},") if step in _WRITES else None
    try:
        # A restart of the machine may have ended them since the step before.
        if step in _COPY_RUNS:
            recovered.start()
        if step in _PRIMARY_RUNS:
            primary.start()
        with room or nullcontext():
            act()
    except (psycopg.Error, OSError) as error:
        make_room()
        raise StrongroomError(
            f"The recovery was stopped while {title}: {' '.join(str(error).split())}. The source "
            "is untouched. Mend the cause and run `strongroom recover` again: it goes on with "
            "this step. `strongroom recover --abandon` removes what it left instead."
        ) from error
    except BaseException:
        make_room()
        raise


def _make_room(step: str, transfer: Transfer) -> None:
    """End what a step began that is of no use unfinished, and would only fill the disk."""
    recovered = transfer.recovered
    if step in ("copy", "dump"):
        recovered.fresh("data" if step == "copy" else "dump")
    if step == "restore":
        with suppress(StrongroomError, psycopg.Error):
            transfer.clear()
