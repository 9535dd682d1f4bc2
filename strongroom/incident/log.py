"""What the server's JSON logs tell: destructive statements, sessions cut off, who was there."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from strongroom.errors import StrongroomError
from strongroom.incident.events import CutOff, Session
from strongroom.incident.statements import Action, actions, undoes

#: Times in the log are cut off after the millisecond, those in the WAL after the microsecond.
TICK = timedelta(milliseconds=1)

_FILE = re.compile(r"postgresql-(\d{4}-\d\d-\d\d)\.json")
_SESSION = re.compile(rb'"session_id":"([0-9a-f.]+)"')
# Told before a line is parsed: most lines of a busy server are of no interest here.
_INTEREST = re.compile(rb"drop|truncate|delete|57P01", re.IGNORECASE)
_STATEMENT = re.compile(r"(?:duration: [\d.]+ ms  )?(?:statement|execute [^:]*): (.*)", re.DOTALL)
_RAN = re.compile(rb'"message":"(?:statement|execute [^":]*): ')
_LEFT = b'"message":"disconnection'
_ENDED = "57P01"  # admin_shutdown: the session was ended by somebody else
_FAILED = ("ERROR", "FATAL", "PANIC")


@dataclass(frozen=True)
class Statement:
    """A statement of the log that destroys something, if it was committed.

    Attributes:
        session: whose.
        at: when it began (UTC).
        text: as it was sent.
        actions: what it destroys.
        virtual: the server's name of its transaction within the session.
        transaction: the transaction's id, when a later line of the log has it.
        ended: the latest its transaction can have ended; None when the log does not tell.
        failed: whether its transaction had an error.
    """

    session: Session
    at: datetime
    text: str
    actions: tuple[Action, ...]
    virtual: str
    transaction: int | None = None
    ended: datetime | None = None
    failed: bool = False

    def may_have_committed(self, time: datetime) -> bool:
        """Whether a commit at `time` can be that of its transaction."""
        return self.at <= time and (self.ended is None or time < self.ended + TICK)


@dataclass(frozen=True)
class Presence:
    """A session that was open at some moment.

    Attributes:
        session: which one.
        statement: its last statement in the log before that moment; None when it has none.
        at: when that began.
    """

    session: Session
    statement: str | None
    at: datetime | None


@dataclass(frozen=True)
class Log:
    """What was read.

    Attributes:
        files: the log files, oldest first.
        first: for each file, the time of its first line.
        statements: destructive statements, oldest first.
        cut_off: sessions ended by somebody else, oldest first.
        most: how many bytes from the end of each file tell who was there; None for all.
    """

    files: tuple[Path, ...] = ()
    first: dict[Path, datetime] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    cut_off: tuple[CutOff, ...] = ()
    most: int | None = None

    def file_of(self, time: datetime) -> Path | None:
        """The file that tells of `time`; None when there is none, or it begins later."""
        for path in self.files:
            if _day(path) == time.date() and self.first.get(path, time) <= time + TICK:
                return path
        return None


def read(folder: Path, since: datetime) -> Log:
    """Read the logs in `folder` from the day before `since` on (UTC).

    Raises:
        StrongroomError: a log cannot be read.
    """
    earliest = since.date() - timedelta(days=1)
    files = sorted(path for path in folder.glob("postgresql-*.json") if _since(path, earliest))
    reading = Reading()
    for path in files:
        for line in lines_of(path):
            reading.take(line)
    return reading.log(files, {path: at for path in files if (at := first_time(path))})


def present(log: Log, time: datetime) -> list[Presence]:
    """Sessions that were open at `time`, as far as the files that were read tell."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S.%f")[:23].encode()
    last: dict[bytes, bytes] = {}
    statement: dict[bytes, bytes] = {}
    for path in (each for each in log.files if _day(each) <= time.date()):
        for line in lines_of(path, log.most):
            session, at = _SESSION.search(line), line[14:37]
            if at > stamp:
                break
            # One that left in the same millisecond may have been there.
            if session is None or (at == stamp and _LEFT in line):
                continue
            last[session[1]] = line
            if _RAN.search(line):
                statement[session[1]] = line
    open_then = (id_ for id_, line in last.items() if _LEFT not in line)
    found = (_presence(last[id_], statement.get(id_)) for id_ in open_then)
    return [one for one in found if one is not None]


class Reading:
    """Follows every session that ran something of interest until that transaction is over."""

    def __init__(self) -> None:
        self.cut_off: list[CutOff] = []
        self._done: list[Statement] = []
        self._open: dict[bytes, list[Statement]] = defaultdict(list)

    def take(self, line: bytes) -> None:
        """Read one line."""
        found = _SESSION.search(line)
        if found is None or not (found[1] in self._open or _INTEREST.search(line)):
            return
        entry = parsed(line)
        if entry is None:
            return
        self._follow(found[1], entry)
        if entry.get("state_code") == _ENDED and entry.get("dbname"):
            state = entry.get("ps") or "unknown"
            self.cut_off.append(
                CutOff(session_of(entry), state, entry.get("txid") or None, entry["at"])
            )
        statement = _statement(entry)
        if statement is not None:
            self._open[found[1]].append(statement)

    @property
    def followed(self) -> list[bytes]:
        """Ids of the sessions whose next line matters, whatever it says."""
        return list(self._open)

    def log(
        self, files: Iterable[Path], first: Mapping[Path, datetime], most: int | None = None
    ) -> Log:
        """What was read so far, of `files` of which each begins at `first`; see `Log`."""
        rest = [each for followed in self._open.values() for each in followed]
        statements = sorted([*self._done, *rest], key=lambda each: each.at)
        return Log(tuple(files), dict(first), tuple(statements), tuple(self.cut_off), most)

    def forget(self, before: datetime) -> None:
        """Let go of what was said and over before a time (UTC)."""
        self._done = [each for each in self._done if each.at >= before]
        self.cut_off = [each for each in self.cut_off if each.at >= before]

    def _follow(self, session: bytes, entry: dict[str, Any]) -> None:
        said = _STATEMENT.match(entry.get("message") or "")
        failed_now = entry["error_severity"] in _FAILED or bool(said and undoes(said[1]))
        followed = self._open.pop(session, [])
        for each in followed:
            if entry.get("vxid") == each.virtual:
                failed = each.failed or failed_now
                id_ = entry.get("txid") or each.transaction
                self._open[session].append(replace(each, failed=failed, transaction=id_))
            else:
                self._done.append(replace(each, ended=entry["at"]))


def text_of(entry: Mapping[str, Any]) -> str | None:
    """The statement a line of the log tells of, once it is parsed; None for any other line."""
    found = _STATEMENT.match(entry.get("message") or "")
    return found[1] if found else None


def _statement(entry: dict[str, Any]) -> Statement | None:
    text = text_of(entry) if entry.get("user") else None
    destroyed = actions(text) if text is not None else ()
    if text is None or not destroyed:
        return None
    return Statement(
        session=session_of(entry),
        at=entry["at"],
        text=text,
        actions=destroyed,
        virtual=entry.get("vxid") or "",
        transaction=entry.get("txid") or None,
    )


def _presence(last: bytes, statement: bytes | None) -> Presence | None:
    entry = parsed(last)
    if entry is None or not entry.get("dbname") or entry.get("backend_type") == "walsender":
        return None
    ran = parsed(statement) if statement else None
    if ran is None:
        return Presence(session_of(entry), None, None)
    found = _STATEMENT.match(ran["message"])
    return Presence(session_of(ran), found[1] if found else None, ran["at"])


def session_of(entry: Mapping[str, Any]) -> Session:
    """The session a line of the log is of, once it is parsed."""
    return Session(
        id=entry["session_id"],
        role=entry.get("user") or "",
        database=entry.get("dbname") or "",
        address=entry.get("remote_host") or "[local]",
        port=entry.get("remote_port"),
        application=entry.get("application_name") or "",
    )


def parsed(line: bytes) -> dict[str, Any] | None:
    """A line of the log with its time as `at`; None for one that is no whole line of it."""
    try:
        entry: dict[str, Any] = json.loads(line)
        at = datetime.fromisoformat(entry["timestamp"].replace(" UTC", "+00:00"))
        return {"error_severity": "", **entry, "at": at}
    except (ValueError, KeyError, TypeError):
        return None  # the end of a log that is being written, or was cut short


def first_time(path: Path) -> datetime | None:
    """The time of the first whole line of a log."""
    entries = map(parsed, lines_of(path))
    return next((entry["at"] for entry in entries if entry), None)


def lines_of(path: Path, most: int | None = None) -> Iterator[bytes]:
    """The lines of a log file; none when it is gone.

    Args:
        path: the file.
        most: how many bytes from its end; None for all.

    Raises:
        StrongroomError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if most is not None and os.fstat(file.fileno()).st_size > most:
                file.seek(-most, os.SEEK_END)
                file.readline()  # the rest of one
            yield from file
    except FileNotFoundError:
        return  # removed meanwhile
    except OSError as error:
        raise StrongroomError(
            f"{path} cannot be read ({error.strerror}), so it is not known who did what. Run this "
            "as the user who made the stack."
        ) from error


def _day(path: Path) -> date:
    found = _FILE.fullmatch(path.name)
    return date.fromisoformat(found[1]) if found else date.min


def _since(path: Path, earliest: date) -> bool:
    return _day(path) >= earliest


def names(files: Iterable[Path] | Sequence[Path]) -> tuple[str, ...]:
    """The files' names."""
    return tuple(path.name for path in files)
