"""What only the log tells: rights that somebody changed, and attempts that were refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from strongroom.alerts import Alert
from strongroom.incident.events import RECOVERY, Session
from strongroom.incident.log import parsed, session_of, text_of
from strongroom.incident.statements import actions
from strongroom.tiers import PROVISIONER, ROOT
from strongroom.watch.masking import masked
from strongroom.watch.rights import changes
from strongroom.watch.telling import REFUSED, RIGHTS, Told, name_of, session_facts

#: How long a refusal may come after its statement.
_OUTCOME = timedelta(seconds=1)

# Told before a line is parsed, in lower case.
_INTEREST = (
    *(b"alter", b"grant", b"revoke", b"reassign", b"policy", b"security label", b"drop"),
    *(b" role", b" user", b" group", b'"error"', b'"fatal"'),
)
_ERRORS = ("ERROR", "FATAL")
_NOT_ALLOWED = "42501"  # insufficient_privilege
_NO_ENTRY = ("28000", "28P01")  # invalid_authorization_specification, invalid_password


@dataclass(frozen=True)
class _Line:
    end: int
    entry: Mapping[str, Any]

    @property
    def transaction(self) -> tuple[object, object]:
        """The server's own name of it; the same for a statement and its error."""
        return self.entry.get("session_id"), self.entry.get("vxid")


def read(stack: str, lines: bytes, now: datetime, lsn: str) -> tuple[list[Told], int]:
    """What some lines of the log tell.

    Args:
        stack: the stack's name.
        lines: whole lines.
        now: the time (UTC).
        lsn: where the WAL is now.

    Returns:
        the alerts, and how many bytes are done with. A statement that may still be refused is
        left for the next time.
    """
    if not _of_interest(lines.lower()):
        return [], len(lines)
    found = list(_interesting(lines))
    told: list[Told] = []
    for number, line in enumerate(found):
        alert = _refused(stack, line.entry, lsn)
        if alert is None and (said := _change(line.entry)):
            if _was_refused(line, found[number + 1 :]):
                continue
            if line.entry["at"] > now - _OUTCOME:
                begin = found[number - 1].end if number else 0
                return told, begin
            alert = _changed(stack, line.entry, said, lsn)
        if alert is not None:
            told.append(alert)
    return told, len(lines)


def _of_interest(lowered: bytes) -> bool:
    return any(word in lowered for word in _INTEREST)


def _interesting(lines: bytes) -> Iterator[_Line]:
    end = 0
    for line in lines.splitlines(keepends=True):
        end += len(line)
        if _of_interest(line.lower()) and (entry := parsed(line)):
            yield _Line(end, entry)


def _change(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What a statement would change of rights; nothing when it is ours."""
    statement = text_of(entry)
    if statement is None or _ours(session_of(entry)):
        return ()
    return changes(statement)


def _was_refused(line: _Line, later: Sequence[_Line]) -> bool:
    return any(
        each.transaction == line.transaction and each.entry["error_severity"] in _ERRORS
        for each in later
    )


def _ours(session: Session) -> bool:
    """Whether it is Strongroom itself: `up`, a rotation, a recovery, an elevation."""
    if session.role == ROOT:
        # Through the socket only, with the sealed password; a person's has another name.
        return session.address == "[local]" and session.application in ("strongroom", RECOVERY)
    # The official plugin calls itself after Terraform, whose provider it is built from.
    ours = session.application == "strongroom" or session.application.startswith("Terraform")
    return session.role == PROVISIONER and ours


def _changed(stack: str, entry: Mapping[str, Any], said: tuple[str, ...], lsn: str) -> Told:
    session = session_of(entry)
    what = ", ".join(said)
    return _told(
        *(entry, RIGHTS, lsn),
        title=f"Rights changed on {stack}: {what}, by {session_facts(session)['who']}",
        text=f"It was not `pulumi up`. The next one puts back what is declared; `pulumi preview "
        f"--refresh -s {stack}` shows it.",
        statement=text_of(entry) or "",
    )


def _refused(stack: str, entry: Mapping[str, Any], lsn: str) -> Told | None:
    """The alert for an attempt that was refused; None for every other line."""
    if entry["error_severity"] not in _ERRORS:
        return None
    message = entry.get("message") or ""
    statement = entry.get("statement") or ""
    session = session_of(entry)
    if entry["error_severity"] == "FATAL":
        if not _at_the_door(entry, session):
            return None
        title = f"Sign-in refused on {stack}: {session.role} from {session.address}"
    elif message.startswith("Strongroom stopped this") or _matters(entry, message, statement):
        title = f"Refused on {stack}: {session_facts(session)['who']} tried {_gist(statement)}"
    else:
        return None
    text = " ".join(part for part in (message, entry.get("detail")) if part)
    return _told(entry, REFUSED, lsn, title=title, text=masked(text), statement=statement)


def _at_the_door(entry: Mapping[str, Any], session: Session) -> bool:
    """Whether root, or somebody as somebody else, tried to come in over the network."""
    refused = entry.get("state_code") in _NO_ENTRY and session.address != "[local]"
    certificate = "certificate authentication failed" in (entry.get("message") or "")
    return refused and (session.role in (ROOT, PROVISIONER) or certificate)


def _matters(entry: Mapping[str, Any], message: str, statement: str) -> bool:
    """Whether what a statement would have done is worth telling: destruction, or rights."""
    if message.startswith(("must be owner of database", "ALTER SYSTEM is not allowed")):
        return True
    if entry.get("state_code") != _NOT_ALLOWED or _ours(session_of(entry)):
        return False
    return bool(changes(statement)) or any(action.whole for action in actions(statement))


def _gist(statement: str) -> str:
    """The beginning of a statement."""
    words = masked(statement).split()
    return " ".join(words[:4]) + (" …" if len(words) > 4 else "") if words else "something"


def _told(
    entry: Mapping[str, Any], kind: str, lsn: str, *, title: str, text: str, statement: str
) -> Told:
    session = session_of(entry)
    facts = {
        **session_facts(session),
        "statement": masked(statement),
        "transaction": str(entry.get("txid") or ""),
        "lsn": f"at or before {lsn}" if lsn else "",
    }
    shown = {name: value for name, value in facts.items() if value}
    name = name_of(session.id, entry.get("line_num"), entry.get("timestamp"))
    # By the command as well: a loop of one must not hide another.
    whose = " ".join([session.role, session.address, *statement.lower().split()[:2]])
    return Told(name, Alert(entry["at"], kind, title, text, shown), whose)
