"""Where the record's hashes are kept besides the record itself.

Every entry's number and hash are written into the server's log, which is another user's file on
most machines and collected elsewhere in production, and go out with the alerts. A record that was
written anew as a whole no longer fits them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from strongroom import alerts
from strongroom.bootstrap.root import Root
from strongroom.breakglass.record import Entry
from strongroom.errors import StrongroomError
from strongroom.tiers import PROVISIONER, ROOT

_TEXT = "break-glass record: entry {} is {}"
_FOUND = re.compile(r"break-glass record: entry (\d{1,9}) is ([0-9a-f]{64})")

# Anybody who is signed in can write a line into the log, but only with their own name beside it.
_BELIEVED = frozenset({ROOT, PROVISIONER})


@dataclass(frozen=True)
class Anchor:
    """What some entry was, as written down elsewhere."""

    seq: int
    hash: str
    at: str
    where: str


@dataclass(frozen=True)
class Anchors:
    """All that were found.

    Attributes:
        logged: in the server's log.
        alerted: in the alerts that are kept; who owns the record owns these as well.
        log_since: the oldest line of the server's log (UTC); None when there is no log.
    """

    logged: tuple[Anchor, ...]
    alerted: tuple[Anchor, ...]
    log_since: datetime | None


def anchor(root: Root, entry: Entry) -> bool:
    """Write an entry's hash into the server's log; False when the server cannot be reached."""
    told = _TEXT.format(entry.seq, entry.hash)
    statement = sql.SQL("DO {}").format(sql.Literal(f"BEGIN RAISE LOG '{told}'; END"))
    try:
        with root.connect() as session:
            session.execute(statement)
    except (StrongroomError, psycopg.Error):
        return False
    return True


def facts(entry: Entry) -> dict[str, str]:
    """What an alert carries of an entry."""
    return {"record entry": str(entry.seq), "record hash": entry.hash}


def find(folder: Path) -> Anchors:
    """Every anchor of the stack in `folder`: in its servers' logs, kept ones too, and alerts."""
    logged, since = list[Anchor](), list[datetime]()
    for log in sorted([*folder.glob("*/log/*"), *folder.glob("final-snapshots/*/log/*")]):
        with log.open("rb") as lines:
            for number, line in enumerate(lines):
                if number == 0 and (at := _time(_entry(line))):
                    since.append(at)
                if b"break-glass record: entry" in line:
                    logged += _in_log_line(_entry(line), log.name)
    return Anchors(tuple(logged), tuple(_in_alerts(folder)), min(since, default=None))


def _in_alerts(folder: Path) -> Iterator[Anchor]:
    for each in alerts.kept(folder):
        told = each.alert.facts
        text = _TEXT.format(told.get("record entry", ""), told.get("record hash", ""))
        if found := _FOUND.fullmatch(text):
            at = each.alert.at.isoformat(timespec="seconds")
            yield Anchor(int(found[1]), found[2], at, alerts.file_of(folder).name)


def _in_log_line(entry: dict[str, Any], where: str) -> Iterator[Anchor]:
    found = _FOUND.fullmatch(str(entry.get("message")))
    at = _time(entry)
    if found and at and entry.get("error_severity") == "LOG" and entry.get("user") in _BELIEVED:
        yield Anchor(int(found[1]), found[2], at.isoformat(timespec="seconds"), where)


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _time(entry: dict[str, Any]) -> datetime | None:
    try:
        # log_timezone is UTC in every cluster of ours.
        return datetime.fromisoformat(f"{str(entry.get('timestamp'))[:19]}+00:00")
    except ValueError:
        return None
