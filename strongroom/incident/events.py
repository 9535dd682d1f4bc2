"""What an incident is made of."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from strongroom.tiers import ROOT

#: What the sessions of `strongroom recover` call themselves.
RECOVERY = "strongroom recover"

# What break-glass calls its sessions; the id is 8 hexadecimal digits.
_BREAK_GLASS = re.compile(r"break-glass (\S+) (.*) [0-9a-f]{8}")


class Kind(StrEnum):
    """What was done, the gravest first."""

    DATABASE = "database dropped"
    SCHEMA = "schema dropped"
    TABLE = "table dropped"
    TRUNCATE = "truncate"
    DELETE = "mass delete"


@dataclass(frozen=True)
class Session:
    """One connection to the server, as its log names it.

    Attributes:
        id: the server's own name of it: start and process id, hexadecimal.
        role: who signed in.
        database: where to.
        address: the client's address; ``[local]`` is the Unix socket.
        port: the client's TCP port; None for the socket.
        application: what the client calls itself; it can call itself anything.
    """

    id: str
    role: str
    database: str
    address: str
    port: int | None
    application: str

    @property
    def person(self) -> str | None:
        """Who opened it by break-glass, and the ticket; None for every other session."""
        found = _BREAK_GLASS.fullmatch(self.application)
        return f"{found[1]} ({found[2]})" if found else None

    @property
    def recovers(self) -> bool:
        """Whether it is `strongroom recover`: root through the socket, which nobody else can be.

        It empties tables that it has just made, and drops what an earlier run had begun.
        """
        return (self.role, self.address, self.application) == (ROOT, "[local]", RECOVERY)


@dataclass(frozen=True)
class CutOff:
    """A session that was ended by somebody else.

    Attributes:
        session: which one.
        state: what it was doing, such as ``idle in transaction`` or ``INSERT``.
        transaction: the transaction that was lost with it; None when it had written nothing.
        at: when (UTC).
    """

    session: Session
    state: str
    transaction: int | None
    at: datetime


@dataclass(frozen=True)
class Suspect:
    """A session that may have done it.

    Attributes:
        session: which one.
        statement: what it is known to have run then; None when that was not logged.
    """

    session: Session
    statement: str | None


@dataclass(frozen=True)
class Event:
    """One destructive event.

    Attributes:
        kind: what was done.
        what: names of what is lost; object or file numbers where only the WAL tells.
        database: where; a number where only the WAL tells.
        time: when it was committed, or when the statement began if only the log tells (UTC).
        culprit: who did it; None when that cannot be known.
        suspects: who may have done it, when the culprit is not known for certain.
        transaction: its transaction id; None without WAL.
        timeline: of the LSNs.
        stop_lsn: what recovery must stop before (recovery_target_lsn, not inclusive).
        commit_lsn: where its commit is.
        rows: deleted rows, for a mass delete.
        cut_off: sessions that were ended for it.
        sources: log files and WAL segments that tell of it.
        unknown: what cannot be known, and why.
    """

    kind: Kind
    what: tuple[str, ...]
    database: str
    time: datetime
    culprit: Suspect | None = None
    suspects: tuple[Suspect, ...] = ()
    transaction: int | None = None
    timeline: int | None = None
    stop_lsn: str | None = None
    commit_lsn: str | None = None
    rows: int | None = None
    cut_off: tuple[CutOff, ...] = ()
    sources: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether it is what a recovery did to bring back what was lost."""
        return self.culprit is not None and self.culprit.session.recovers

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        values = asdict(self)
        values["time"] = self.time.isoformat()
        for mine, cut in zip(values["cut_off"], self.cut_off, strict=True):
            mine["at"] = cut.at.isoformat()
        if self.culprit is not None:
            values["culprit"]["person"] = self.culprit.session.person
        return values


@dataclass(frozen=True)
class Findings:
    """What a search found, and how far it could see.

    Attributes:
        events: the newest first.
        since: how far back it was asked to look (UTC).
        log: names of the log files that were read.
        wal: first and last segment that were there to be read, timeline by timeline.
        unknown: what could not be looked at, and why.
    """

    events: tuple[Event, ...]
    since: datetime
    log: tuple[str, ...]
    wal: tuple[str, ...]
    unknown: tuple[str, ...]

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "events": [event.dump() for event in self.events],
            "since": self.since.isoformat(),
            "log": list(self.log),
            "wal": list(self.wal),
            "unknown": list(self.unknown),
        }
