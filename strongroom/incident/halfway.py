"""A DROP DATABASE that was cut off, as by a crash: the database is there, and invalid."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from strongroom.cluster.vault import SEGMENT
from strongroom.incident.events import Event, Kind, Suspect
from strongroom.incident.joining import Joining, cut_off
from strongroom.incident.living import Invalid
from strongroom.incident.log import Statement
from strongroom.incident.segments import segment_name
from strongroom.incident.wal import Search
from strongroom.incident.waldump import lsn

_TOLD = (
    "It was cut off before it was done, as by a crash: the database is there, but invalid, and "
    "nobody can connect to it."
)


def halfway(searches: Sequence[Search], joining: Joining, since: datetime) -> Iterator[Event]:
    """An event for each database that is invalid and whose mark is in the WAL.

    Such a drop was never committed, so nothing but the server itself tells of it.
    """
    for invalid in joining.living.invalid:
        for search in searches:
            if (mark := search.mark(invalid.row, since)) is not None:
                yield _event(invalid, search, mark, joining)
                break


def _event(invalid: Invalid, search: Search, mark: int, joining: Joining) -> Event:
    said = next((each for each in reversed(joining.log.statements) if _names(each, invalid)), None)
    culprit = Suspect(said.session, said.text) if said else None
    before = search.dump.last_finish(mark // SEGMENT * SEGMENT, mark)
    time = said.at if said else before.time if before else search.run.written
    path = joining.log.file_of(time) if said else None
    segment = segment_name(search.run.timeline, mark // SEGMENT)
    return Event(
        kind=Kind.DATABASE,
        what=(invalid.name,),
        database=invalid.name,
        time=time,
        culprit=culprit,
        transaction=said.transaction if said else None,
        timeline=search.run.timeline,
        stop_lsn=lsn(mark),
        cut_off=cut_off(joining.log, Kind.DATABASE, invalid.name, time, time, culprit),
        sources=(path.name, segment) if path else (segment,),
        unknown=(_TOLD,) if said else (_TOLD, "Who did it is not known: no log names it."),
    )


def _names(said: Statement, invalid: Invalid) -> bool:
    return any(
        action.kind is Kind.DATABASE and invalid.name in action.names for action in said.actions
    )
