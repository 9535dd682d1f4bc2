"""What commands and events said, in the words of a report."""

import re

from strongroom.drill.journal import End, Journal
from strongroom.drill.result import Mark
from strongroom.drill.stage import Done
from strongroom.drill.verifying import Verdict
from strongroom.incident.events import CutOff, Event

_STEP = re.compile(r"\d+/\d+ (.+)")
_FROM = re.compile(r"\s*from\s+((?:replica|snapshot) \S+)")
_SERVES = re.compile(r"recovered: serves again after ([\d.]+) s")


def marks(recovery: Done, dropped: float) -> tuple[Mark, ...]:
    """When each step of `strongroom recover` began.

    Args:
        recovery: what it printed.
        dropped: when the database was (seconds since the epoch).
    """
    found = ((line.at, _STEP.fullmatch(line.text)) for line in recovery.lines)
    return tuple(Mark(step[1], round(at - dropped, 2)) for at, step in found if step)


def source(recovery: Done) -> str:
    """What `strongroom recover` took the data from."""
    found = _FROM.search(recovery.output)
    return found[1] if found else "not known"


def served(recovery: Done) -> float:
    """When it said that the database serves again (seconds since the epoch)."""
    found = _SERVES.search(recovery.output)
    first = next((line.at for line in recovery.lines if _STEP.fullmatch(line.text)), 0.0)
    return first + (float(found[1]) if found else 0.0)


def culprit(event: Event) -> str:
    """Who did it, and from where."""
    if event.culprit is None:
        return "not known"
    session = event.culprit.session
    who = f"{session.role}, opened by {session.person}" if session.person else session.role
    return f"{who} from {session.address}"


def cut(lost: CutOff) -> str:
    """A session that the drop ended."""
    transaction = f", transaction {lost.transaction} lost" if lost.transaction else ""
    return f"{lost.session.role} from {lost.session.address}, {lost.state}{transaction}"


def changes(done: Done) -> str:
    """What a run of the engine ends with: the resources that change or would."""
    text = done.output
    return text[text.rfind("Resources:") :] if "Resources:" in text else text[-2000:]


def lost_seconds(verdict: Verdict, journal: Journal, dropped: float) -> float:
    """How long before the drop the oldest lost form was acknowledged; 0 when none is lost."""
    gone = set(verdict.lost)
    ended = (
        each.ended or each.begun for each in journal.ended(End.ACKNOWLEDGED) if each.form.id in gone
    )
    first = min(ended, default=None)
    return 0.0 if first is None else round(max(dropped - first, 0.0), 2)
