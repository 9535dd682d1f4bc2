"""How elevations begin and end on record, and how their rights are taken back by machines.

The rights themselves are given by `up`, as the roster says. They end at their time by the agent,
by the agent's next start if it was dead, and at the latest at the next `up`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from strongroom import alerts
from strongroom.alerts import Alert
from strongroom.bootstrap.local import LocalRoot
from strongroom.breakglass import anchors
from strongroom.breakglass.ending import TIME_OVER
from strongroom.breakglass.record import Entry, Event, Record
from strongroom.cluster.stack import StackFolder
from strongroom.elevations.lent import Lent
from strongroom.errors import StrongroomError
from strongroom.tiers import PROVISIONER

#: Why an elevation ended before its time.
TAKEN_OUT = "taken out of the roster"

# Milliseconds to wait for a session to end.
_PATIENCE = 5000

_HELD = """
SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members
WHERE pg_get_userbyid(member) = %s AND pg_get_userbyid(grantor) = %s
"""


def due(stack: StackFolder, declared: Iterable[Lent]) -> list[str]:
    """What is over and not ended on record: a sentence for each."""
    now, lent = datetime.now(UTC), _open(stack)
    overdue = [each for each in declared if each.over(now) and each.id in lent]
    return [f"{each.told()} and that was never ended" for each in overdue]


def begin(stack: StackFolder, declared: Iterable[Lent]) -> None:
    """Put on record, and tell everybody, what is about to be lent; before any right is given."""
    for lent in declared:
        with Record(stack.path).writing() as writer:
            if lent.id in _open(stack):
                continue
            entry = writer.append(Event.LENT, lent.subject)
        text = (
            f"{lent.told()}, approved by {lent.approver} in the roster's review: {lent.reason}. "
            "It ends by itself."
        )
        title = f"Elevation on {stack.path.name}: {lent.who}, {lent.kind}"
        _tell(stack, entry, "elevation.lent", title, text)


def settle(stack: StackFolder, declared: Sequence[Lent]) -> None:
    """Note on record the end of what is not declared any more; `up` takes its rights out."""
    now, ids = datetime.now(UTC), {lent.id for lent in declared}
    with Record(stack.path).writing() as writer:
        gone = [entry.subject for name, entry in _open(stack).items() if name not in ids]
        written = [
            writer.append(Event.ENDED, each, TIME_OVER if each.until <= now else TAKEN_OUT)
            for each in gone
        ]
    for entry in written:
        _tell_end(stack, entry)


def end_due(stack: StackFolder, declared: Iterable[Lent]) -> list[str]:
    """End everything that is over: the person's own tier holds again, and their sessions end.

    Can be killed and run again, and takes back what a slow `up` gave after the end.

    Args:
        stack: the stack's folder.
        declared: the elevations that `up` has given.

    Returns:
        what was ended, a sentence for each.

    Raises:
        StrongroomError: something could not be ended, and stays due.
    """
    now = datetime.now(UTC)
    ended = [lent for lent in declared if lent.over(now) and _end(stack, lent)]
    return [f"{lent.told()}; ended now" for lent in ended]


def _end(stack: StackFolder, lent: Lent) -> bool:
    root = LocalRoot(stack.primary)
    # Under the record's lock, so that of two that end it at once one is told.
    with Record(stack.path).writing() as writer:
        ended = lent.id not in _open(stack)
        try:
            with root.connect() as session:
                taken = _put_back(session, lent)
                if not taken and ended:
                    return False
                # Also one from before: it may have SET ROLE app_owner, which outlives membership.
                session.execute(
                    "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE usename = %s",
                    [_PATIENCE, lent.who],
                )
        except psycopg.Error as error:
            raise StrongroomError(
                f"{lent.told()}, and ending it failed: {' '.join(str(error).split())}. It stays "
                "due; the agent tries again, and `pulumi up` ends it."
            ) from error
        if ended:
            return True
        entry = writer.append(Event.ENDED, lent.subject, TIME_OVER)
    _tell_end(stack, entry)
    return True


def _put_back(session: psycopg.Connection[Any], lent: Lent) -> bool:
    """Make the person a member of their own tier's groups again; whether anything was taken."""
    with session.transaction():
        rows = session.execute(_HELD, [lent.who, PROVISIONER])
        held = {group for (group,) in rows}
        extra = held & (lent.groups.keys() - lent.own_groups.keys())
        for group in sorted(extra):
            _run(session, "REVOKE {} FROM {} GRANTED BY {} CASCADE", group, lent.who, PROVISIONER)
        if extra:
            # Only what was raised is put back: a leaver is in no group, and stays so.
            for group in sorted(lent.own_groups.keys() - held):
                inherit = lent.own_groups[group] == "INHERIT"
                options = "INHERIT TRUE, SET FALSE" if inherit else "INHERIT FALSE, SET TRUE"
                statement = f"GRANT {{}} TO {{}} WITH {options} GRANTED BY {{}}"
                _run(session, statement, group, lent.who, PROVISIONER)
    return bool(extra)


def _run(session: psycopg.Connection[Any], statement: str, *names: str) -> None:
    identifiers = (sql.Identifier(name) for name in names)
    session.execute(sql.SQL(statement).format(*identifiers))


def _open(stack: StackFolder) -> dict[str, Entry]:
    """What is lent and not ended on record, by id."""
    found: dict[str, Entry] = {}
    for entry in Record(stack.path).entries():
        if entry.event == Event.LENT:
            found[entry.id] = entry
        elif entry.event == Event.ENDED:
            found.pop(entry.id, None)
    return found


def _tell_end(stack: StackFolder, entry: Entry) -> None:
    title = f"Elevation ended on {stack.path.name}: {entry.who}, {entry.kind}"
    text = (
        f"{entry.who} was lent the tier {entry.kind} ({entry.ticket}); it is ended ({entry.why})."
    )
    _tell(stack, entry, "elevation.ended", title, text)


def _tell(stack: StackFolder, entry: Entry, kind: str, title: str, text: str) -> None:
    anchors.anchor(LocalRoot(stack.primary), entry)
    facts = {
        "who": entry.who,
        "approver": entry.approver,
        "tier": entry.kind,
        "ticket": entry.ticket,
        "until": entry.until,
        **anchors.facts(entry),
    }
    alert = Alert(at=datetime.now(UTC), kind=kind, title=title, text=text, facts=facts)
    alerts.raise_alert(stack.path, alert)
