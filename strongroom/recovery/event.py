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
    vault = situation.declared.vault
    kept = vault or Vault(situation.stack.path / "vault", situation.primary.user)
    found = find(situation.primary, kept, since, every=True).events
    # What an abandoned recovery had begun to restore is dropped, too.
    harm = (each for each in found if each.what != (arriving(database),))
    event = next((each for each in harm if _on_the_way(situation, each)), None)
    if event is None:
        raise StrongroomError(
            f"No destructive event is found since {since:%Y-%m-%d %H:%M} UTC, so there is nothing "
            "to go back from and nothing was changed. Name the point yourself: `--to LSN` or "
            "`--to TIME`; `--to end` when files of the primary are lost."
        )
    told = f"{event.kind}: {', '.join(event.what)} at {event.time:%Y-%m-%d %H:%M:%S} UTC"
    if event.culprit is not None:
        told += f" by {event.culprit.session.role}"
    if event.stop_lsn is None:
        raise StrongroomError(
            f"The latest event is known only from the log ({told}; {' '.join(event.unknown)}), so "
            "the LSN to stop at is not known and nothing was changed. Name a time before it: "
            f"`--to {event.time.isoformat()}`."
        )
    _refuse_undone(situation, event, told)
    # Where only the WAL tells, they are numbers.
    tables = tuple(event.what) if event.kind in (Kind.TABLE, Kind.TRUNCATE, Kind.DELETE) else ()
    named = all(QUALIFIED.fullmatch(name) for name in tables)
    return Target(
        lsn=event.stop_lsn,
        reason=told,
        tables=tables if named else (),
        database=event.database if not event.database.isdigit() else database,
    )


def _on_the_way(situation: Situation, event: Event) -> bool:
    """Whether the event is in the primary's own past, not on a timeline that was left behind."""
    if event.stop_lsn is None:
        return True
    lineage = situation.wal.lineage
    ends = {before.timeline: after.begin for before, after in pairwise(lineage)}
    known = {stretch.timeline for stretch in lineage}
    end = ends.get(event.timeline or 0)
    return event.timeline in known and (end is None or position(event.stop_lsn) < end)


def _refuse_undone(situation: Situation, event: Event, told: str) -> None:
    if event.kind is not Kind.DATABASE or not situation.primary.running():
        return
    if database_state(situation.primary, event.what[0]) == "there":
        raise StrongroomError(
            f"The latest event ({told}) was undone: the database is there. So nothing was changed. "
            f"To go back to that point all the same, name it: `--to {event.stop_lsn}`."
        )
