"""The record of every break-glass and elevation: chained, so that no entry can be changed alone.

Each entry holds the hash of the one before and its own, in a line of break-glass.jsonl in the
stack's folder. Whoever owns the file can still write it anew from the first entry to the last;
`anchors` is what shows that.
"""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from strongroom.breakglass.glass import Glass, Kind
from strongroom.cluster import journal
from strongroom.cluster.lock import locked
from strongroom.cluster.system_user import SystemUser

#: What the first entry has for the hash of the one before.
BEGINNING = "0" * 64


class Event(StrEnum):
    """What happened."""

    OPENED = "opened"
    CLOSED = "closed"
    ROTATED = "rotated"
    LENT = "lent"
    ENDED = "ended"


@dataclass(frozen=True)
class Subject:
    """What an entry speaks of, by the names a `Glass` has for it."""

    id: str
    kind: str
    who: str
    approver: str
    reason: str
    ticket: str
    until: datetime


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes:
        seq: 1, 2, 3 and so on.
        at: when (UTC, ISO 8601).
        event: an `Event`.
        id: the break-glass's or the elevation's; empty for a rotation somebody asked for.
        kind, who, approver, reason, ticket, until: see `Glass`.
        why: for what is closed or ended: ``left``, ``time over`` or the like.
        os_user: the operating system's user, and whom it was by sudo.
        host: the machine.
        torn: SHA-256 of a beginning that lies before this entry, from a write that was cut short.
        previous: the hash of the entry before.
        hash: SHA-256 over all else.
    """

    seq: int
    at: str
    event: str
    id: str
    kind: str
    who: str
    approver: str
    reason: str
    ticket: str
    until: str
    why: str
    os_user: str
    host: str
    torn: str
    previous: str
    hash: str

    @property
    def computed_hash(self) -> str:
        """What `hash` has to be."""
        content = {name: value for name, value in asdict(self).items() if name != "hash"}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def glass(self) -> Glass:
        """The break-glass it speaks of; raises `ValueError` for one that never was any."""
        return Glass(**{**vars(self.subject), "kind": Kind(self.kind)})

    @property
    def subject(self) -> Subject:
        """What it speaks of; raises `ValueError` where the end is no time."""
        texts = (self.id, self.kind, self.who, self.approver, self.reason, self.ticket)
        return Subject(*texts, datetime.fromisoformat(self.until))

    def line(self) -> str:
        """As it lies in the file."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, raw: bytes) -> "Entry | None":
        """The entry in a line; None when the line is not exactly what `line` makes."""
        try:
            content = json.loads(raw)
            entry = cls(**{each.name: content[each.name] for each in fields(cls)})
            texts = {name: value for name, value in asdict(entry).items() if name != "seq"}
            typed = type(entry.seq) is int and all(isinstance(each, str) for each in texts.values())
            return entry if typed and entry.line().encode() == raw else None
        except (ValueError, KeyError, TypeError, RecursionError):
            return None


@dataclass(frozen=True)
class Record:
    """The record of the stack in `folder`."""

    folder: Path

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self.folder / "break-glass.jsonl"

    def lines(self) -> list[tuple[journal.Line, Entry | None]]:
        """Every line, and the entry it holds if it holds one."""
        return [(line, Entry.read(line.raw)) for line in journal.lines(self.path)]

    def entries(self) -> list[Entry]:
        """Every entry that can be read."""
        return [entry for _, entry in self.lines() if entry is not None]

    def unfinished(self) -> list[Glass]:
        """What was opened and not closed, oldest first."""
        entries = self.entries()
        closed = {entry.id for entry in entries if entry.event == Event.CLOSED}
        found = []
        for entry in entries:
            # One that holds no break-glass was made up, which verifying the record tells.
            with suppress(ValueError):
                if entry.event == Event.OPENED and entry.id not in closed:
                    found.append(entry.glass)
        return found

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Keep others from writing meanwhile.

        Raises:
            StrongroomError: somebody else writes for longer than a minute.
        """
        with locked(self.path.with_suffix(".lock"), self.path, patience=60):
            yield Writer(self)


@dataclass(frozen=True)
class Writer:
    """Adds to the record; there is one at a time."""

    record: Record

    def append(self, event: Event, of: Glass | Subject | None = None, why: str = "") -> Entry:
        """Write one entry, and return it when it is on disk.

        Args:
            event: what happened.
            of: what it happened to; None for a rotation somebody asked for.
            why: for what is closed or ended.

        Raises:
            StrongroomError: it could not be written.
        """
        lines = self.record.lines()
        last = next((entry for _, entry in reversed(lines) if entry is not None), None)
        torn = lines[-1][0].raw if lines and lines[-1][1] is None else b""
        entry = Entry(
            seq=last.seq + 1 if last else 1,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            event=event.value,
            id=of.id if of else "",
            kind=str(of.kind) if of else Kind.ROOT.value,
            who=of.who if of else "",
            approver=of.approver if of else "",
            reason=of.reason if of else "",
            ticket=of.ticket if of else "",
            until=of.until.isoformat(timespec="seconds") if of else "",
            why=why,
            os_user=_os_user(),
            host=socket.gethostname(),
            torn=hashlib.sha256(torn).hexdigest() if torn else "",
            previous=last.hash if last else BEGINNING,
            hash="",
        )
        sealed = Entry(**{**asdict(entry), "hash": entry.computed_hash})
        journal.append(self.record.path, sealed.line())
        return sealed


def _os_user() -> str:
    name, behind = SystemUser.current().name, os.environ.get("SUDO_USER")
    return f"{name} (sudo by {behind})" if behind else name
