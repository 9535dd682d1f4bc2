"""What is told: alerts whose name derives from the event, so that each event is told once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.alerts import Alert
from strongroom.incident.events import Event, Kind, Session, Suspect
from strongroom.watch.masking import masked

#: What programs call each kind of event.
KINDS: Mapping[Kind, str] = {
    Kind.DATABASE: "watch.database-dropped",
    Kind.SCHEMA: "watch.schema-dropped",
    Kind.TABLE: "watch.table-dropped",
    Kind.TRUNCATE: "watch.truncate",
    Kind.DELETE: "watch.mass-delete",
}
RIGHTS, REFUSED, UNSEEN = "watch.role-change", "watch.refused", "watch.unseen"

# Names of what was lost that a title holds, and suspects that an alert names.
_NAMES = 3
_SUSPECTS = 5


@dataclass(frozen=True)
class Told:
    """An alert and the name it is kept by.

    Attributes:
        name: derives from the event.
        alert: the alert.
        who: whose doing it is, for counting what repeats itself.
    """

    name: str
    alert: Alert
    who: str


def name_of(*parts: object) -> str:
    """The name of the alert for one event, from what tells that event from all others."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def of_event(stack: str, event: Event) -> Told:
    """The alert for something that was destroyed.

    Args:
        stack: the stack's name.
        event: as the WAL and the log tell it.
    """
    # Without the timeline: a new one begins with a copy of the old one's end.
    name = name_of(event.commit_lsn, event.transaction, event.time)
    suspects = (event.culprit,) if event.culprit else event.suspects
    lost = ", ".join(event.what[:_NAMES]) or "nothing that has a name"
    more = f" and {len(event.what) - _NAMES} more" if len(event.what) > _NAMES else ""
    facts = {
        **_who(event),
        "database": event.database,
        "lost": ", ".join(event.what[:50]),
        "rows": "" if event.rows is None else str(event.rows),
        "transaction": str(event.transaction or ""),
        "lsn": event.commit_lsn or "",
        "recover before": event.stop_lsn or "",
        "timeline": str(event.timeline or ""),
        "cut off": "; ".join(f"{_role(cut.session)} ({cut.state})" for cut in event.cut_off[:10]),
        "not known": " ".join(event.unknown),
    }
    who = _role(event.culprit.session) if event.culprit else "somebody"
    title = f"{str(event.kind).capitalize()} on {stack}: {masked(lost)}{more}, by {who}"
    text = f"`strongroom incident -s {stack}` tells all of it; `strongroom recover` brings it back."
    alert = Alert(event.time, KINDS[event.kind], title, text, _filled(facts))
    return Told(name, alert, ", ".join(_role(each.session) for each in suspects[:_SUSPECTS]))


def session_facts(session: Session) -> dict[str, str]:
    """Who and from where, as facts of an alert."""
    return {
        "who": _role(session),
        "address": f"{session.address}:{session.port}" if session.port else session.address,
        "application": masked(session.application),
        "database": session.database,
        "session": session.id,
    }


def _who(event: Event) -> dict[str, str]:
    if event.culprit is not None:
        statement = event.culprit.statement
        said = masked(statement) if statement else "not in the log"
        return {**session_facts(event.culprit.session), "statement": said}
    named = "; ".join(_suspect(each) for each in event.suspects[:_SUSPECTS])
    return {"who": f"not known; perhaps {named}" if named else "not known"}


def _suspect(suspect: Suspect) -> str:
    facts = session_facts(suspect.session)
    said = f": {masked(suspect.statement)}" if suspect.statement else ""
    return f"{facts['who']}, {facts['address']} as {facts['application']!r}{said}"


def _role(session: Session) -> str:
    return f"{session.role}, opened by {session.person}" if session.person else session.role


def _filled(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}
