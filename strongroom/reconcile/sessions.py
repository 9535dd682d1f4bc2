"""Whose transactions they were, and what was run in them, as far as the server's log tells."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.incident import log as logs
from strongroom.incident.events import Session

_TRANSACTION = re.compile(rb'"txid":([1-9]\d*)')
_VIRTUAL = re.compile(rb'"vxid":"([^"]+)"')
_SESSION = re.compile(rb'"session_id":"([0-9a-f.]+)"')
# Characters of one statement, and statements of one transaction, that are told.
_LONGEST, _MOST = 2000, 50


@dataclass
class Told:
    """What the log tells of one transaction.

    Attributes:
        session: whose it was.
        state: what the session was doing when the log spoke of it last.
        statements: what it ran, as far as it was logged.
    """

    session: Session
    state: str = ""
    statements: list[str] = field(default_factory=list)


def told(files: Iterable[Path], transactions: Collection[int]) -> dict[int, Told]:
    """Look transactions up in log files.

    Lines name a transaction only once it has written something, so it is found by a later line,
    and its statements by the name the session itself has for it.

    Raises:
        StrongroomError: a file cannot be read.
    """
    wanted = set(transactions)
    paths = tuple(files)
    found: dict[int, Told] = {}
    names: dict[tuple[bytes, bytes], int] = {}
    for path in paths:
        for line in logs.lines_of(path):
            number = _TRANSACTION.search(line)
            if number is None or int(number[1]) not in wanted:
                continue
            entry, name = logs.parsed(line), _name(line)
            if entry is None or name is None or not entry.get("user"):
                continue
            id_ = int(number[1])
            found[id_] = Told(logs.session_of(entry), entry.get("ps") or "")
            names[name] = id_
    said = defaultdict[int, list[str]](list)
    for path in paths if names else ():
        for line in logs.lines_of(path):
            name = _name(line)
            entry = logs.parsed(line) if name in names else None
            if name in names and entry and (text := logs.text_of(entry)):
                said[names[name]].append(text[:_LONGEST])
    for id_, texts in said.items():
        found[id_].statements = texts[-_MOST:]
    return found


def _name(line: bytes) -> tuple[bytes, bytes] | None:
    """The session a line is of, and what it calls its transaction."""
    session, virtual = _SESSION.search(line), _VIRTUAL.search(line)
    return (session[1], virtual[1]) if session and virtual else None
