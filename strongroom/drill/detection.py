"""Waiting until a drop is noticed without anybody having asked."""

import time
from datetime import datetime

from strongroom import alerts
from strongroom.drill.scratch import Scratch
from strongroom.errors import StrongroomError
from strongroom.incident.events import Event, Kind
from strongroom.incident.find import find

# Seconds.
_PATIENCE = 60
_LOOKS_EVERY = 0.1
#: Who notices.
NOTICED_BY = "the agent's alert"
# What an alert of a dropped database is called.
_ALERT = "watch.database-dropped"


def noticed(scratch: Scratch, since: datetime) -> float:
    """Wait until the drop of the database is noticed.

    Args:
        scratch: the scratch stack.
        since: when it cannot have happened yet (UTC).

    Returns:
        when it was noticed (seconds since the epoch).

    Raises:
        StrongroomError: it was not noticed within a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while not _told(scratch, since):
        if time.monotonic() > deadline:
            raise StrongroomError(
                f"The drop of {scratch.database} was not noticed within {_PATIENCE} s, so the "
                "drill ended here."
            )
        time.sleep(_LOOKS_EVERY)
    return time.time()


def _told(scratch: Scratch, since: datetime) -> bool:
    """Whether the agent has raised an alert."""
    return any(
        each.alert.kind == _ALERT and each.alert.at >= since
        for each in alerts.kept(scratch.stack.path)
    )


def latest(scratch: Scratch, since: datetime) -> Event | None:
    """The latest drop of the database, from the server's log and its WAL."""
    for event in find(scratch.stack.primary, scratch.vault, since, every=True).events:
        if event.kind is Kind.DATABASE and event.what == (scratch.database,):
            return event
    return None
