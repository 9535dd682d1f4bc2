"""How a break-glass ends: at once, by itself, and at the latest at the next `pulumi up`."""

import shutil
from datetime import UTC, datetime

import psycopg

from strongroom import alerts
from strongroom.alerts import Alert
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.breakglass import anchors, elevation, root_access
from strongroom.breakglass.glass import Glass, Kind
from strongroom.breakglass.hold import Holds
from strongroom.breakglass.record import Entry, Event, Record
from strongroom.cluster.stack import StackFolder
from strongroom.errors import StrongroomError

LEFT = "left"
TIME_OVER = "time over"
NEXT_UP = "next up"


def due(stack: StackFolder) -> list[str]:
    """What was opened, never closed, and is in nobody's hand any more: a sentence for each.

    Such as: root was opened for chiara until 2026-11-23 10:30 UTC (INC-42) and never closed.
    """
    return [f"{glass.told()} and never closed" for glass in _overdue(stack)]


def close_overdue(stack: StackFolder) -> list[str]:
    """End everything that is due: rights taken back, root's password rotated.

    Takes the primary's lock by itself, so it is called without it.

    Returns:
        what was ended, a sentence for each.

    Raises:
        StrongroomError: something could not be ended, and stays due.
    """
    ended = []
    for glass in _overdue(stack):
        end(stack, glass, NEXT_UP)
        ended.append(f"{glass.told()}; ended now")
    return ended


def end(stack: StackFolder, glass: Glass, why: str) -> None:
    """End one break-glass; does nothing when it has ended. Can be killed and run again.

    Args:
        stack: the stack's folder.
        glass: what ends.
        why: `LEFT`, `TIME_OVER` or `NEXT_UP`.

    Raises:
        StrongroomError: it could not be ended, such as while the server is stopped.
    """
    root = LocalRoot(stack.primary)
    ender = _end_root if glass.kind is Kind.ROOT else _end_elevation
    try:
        written = ender(stack, root, glass, why)
    except psycopg.Error as error:
        raise StrongroomError(
            f"{glass.told()}, and ending it failed: {' '.join(str(error).split())}. It stays due; "
            "`pulumi up` ends it."
        ) from error
    for entry in written:
        anchors.anchor(root, entry)
    if written:
        _tell(stack, glass, written[-1])
    shutil.rmtree(Holds.of(stack, glass).folder, ignore_errors=True)


def has_ended(stack: StackFolder, glass: Glass) -> bool:
    """Whether the record has its end."""
    return all(other.id != glass.id for other in Record(stack.path).unfinished())


def _overdue(stack: StackFolder) -> list[Glass]:
    unfinished = Record(stack.path).unfinished()
    return [glass for glass in unfinished if not Holds.of(stack, glass).in_hand(glass)]


def _others(stack: StackFolder, glass: Glass) -> list[Glass]:
    """Break-glasses of the same kind that go on after this one."""
    return [
        other
        for other in Record(stack.path).unfinished()
        if other.id != glass.id
        and other.kind is glass.kind
        and Holds.of(stack, other).in_hand(other)
    ]


def _end_root(stack: StackFolder, root: LocalRoot, glass: Glass, why: str) -> list[Entry]:
    if has_ended(stack, glass):
        return []
    with root.connect() as session:
        root_access.end_sessions(session, of=glass.id)
    # No other work of Strongroom meanwhile: every other session of root is somebody's.
    with root.cluster.locked():
        Rotation(root).run()
        with Record(stack.path).writing() as writer, root.connect() as session:
            spared = [other.id for other in _others(stack, glass)]
            root_access.end_sessions(session, sparing=spared)
            if has_ended(stack, glass):
                return []
            return [writer.append(Event.ROTATED, glass), writer.append(Event.CLOSED, glass, why)]


def _end_elevation(stack: StackFolder, root: LocalRoot, glass: Glass, why: str) -> list[Entry]:
    # Under the record's lock, so that of two that end at once the later one takes the rights back.
    with Record(stack.path).writing() as writer, root.connect() as session:
        if has_ended(stack, glass):
            return []
        others = [other for other in _others(stack, glass) if other.who == glass.who]
        elevation.take_back(session, glass, last=not others)
        return [writer.append(Event.CLOSED, glass, why)]


def _tell(stack: StackFolder, glass: Glass, closed: Entry) -> None:
    rotated = ", and root's password rotated" if glass.kind is Kind.ROOT else ""
    alert = Alert(
        at=datetime.now(UTC),
        kind="break-glass.closed",
        title=f"Break-glass ended on {stack.path.name}: {glass.who}, {glass.kind.value}",
        text=f"{glass.told()}; it is ended ({closed.why}){rotated}.",
        facts=anchors.facts(closed),
    )
    alerts.raise_alert(stack.path, alert)
