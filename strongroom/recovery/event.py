"""The latest destructive event as the point to go back to."""

from datetime import datetime
from itertools import pairwise

from strongroom.cluster.vault import Vault, position
from strongroom.errors import StrongroomError
from strongroom.incident.events import Event, Kind
from strongroom.incident.find import find
from strongroom.recovery.plan import database_state
from strongroom.recovery.situation import Situation
from strongroom.recovery.target import QUALIFIED, Target
from strongroom.recovery.transfer import arriving


def latest(situation: Situation, since: datetime, database: str) -> Target:
    """The point just before the latest destructive event.

    Args:
        situation: the stack.
        since: how far back to look (UTC).
        database: the application's database.

    Raises:
        StrongroomError: there was none, it was undone already, or its LSN cannot be known.
    """
    event = _chosen(situation, since, database)
    told = _told(event)
    if event.culprit is not None:
        told += f" by {event.culprit.session.role}"
    if event.stop_lsn is None:
        raise StrongroomError(
            f"The latest event is known only from the log ({told}; {' '.join(event.unknown)}), so "
            "the LSN to stop at is not known and nothing was changed. Name a time before it: "
            f"`--to {event.time.isoformat()}`."
        )
    # Where only the WAL tells, they are numbers.
    tables = tuple(event.what) if event.kind in (Kind.TABLE, Kind.TRUNCATE, Kind.DELETE) else ()
    named = all(QUALIFIED.fullmatch(name) for name in tables)
    return Target(
        lsn=event.stop_lsn,
        reason=told,
        tables=tables if named else (),
        database=event.database if not event.database.isdigit() else database,
    )


def _chosen(situation: Situation, since: datetime, database: str) -> Event:
    """The latest event that was not undone.

    Whoever recovers one of two databases goes on with the other; what is older than an event that
    was undone and no database that is still gone was left as it is on purpose.
    """
    vault = situation.declared.vault
    kept = vault or Vault(situation.stack.path / "vault", situation.primary.user)
    undone: list[Event] = []
    # All WAL of a week is read only when the latest event is not the one.
    for every in (False, True):
        undone.clear()
        for event in find(situation.primary, kept, since, every=every).events:
            # What an abandoned recovery had begun to restore is dropped, too.
            if event.what == (arriving(database),) or not _on_the_way(situation, event):
                continue
            if _undone(situation, event):
                undone.append(event)
            elif not undone or event.kind is Kind.DATABASE:
                return event
    if undone:
        points = "; ".join(f"{_told(each)}: `--to {each.stop_lsn}`" for each in undone[:3])
        raise StrongroomError(
            "The latest event was undone: the database is there, recovered or made anew. So "
            "nothing was changed. To go back all the same, name the point: "
            f"{points}."
        )
    raise StrongroomError(
        f"No destructive event is found since {since:%Y-%m-%d %H:%M} UTC, so there is nothing "
        "to go back from and nothing was changed. Name the point yourself: `--to LSN` or "
        "`--to TIME`; `--to end` when files of the primary are lost."
        f"{_unseen(situation)}"
    )


def _unseen(situation: Situation) -> str:
    if situation.primary.running():
        return ""
    return (
        " The primary does not run, and a drop that was cut off by a crash shows only when it "
        "does: `make up` starts it, even where it then says that the database is invalid."
    )


def _told(event: Event) -> str:
    return f"{event.kind}: {', '.join(event.what)} at {event.time:%Y-%m-%d %H:%M:%S} UTC"


def _on_the_way(situation: Situation, event: Event) -> bool:
    """Whether the event is in the primary's own past, not on a timeline that was left behind."""
    if event.stop_lsn is None:
        return True
    lineage = situation.wal.lineage
    ends = {before.timeline: after.begin for before, after in pairwise(lineage)}
    known = {stretch.timeline for stretch in lineage}
    end = ends.get(event.timeline or 0)
    return event.timeline in known and (end is None or position(event.stop_lsn) < end)


def _undone(situation: Situation, event: Event) -> bool:
    if event.kind is not Kind.DATABASE or not situation.primary.running():
        return False
    return database_state(situation.primary, event.what[0]) == "there"
