"""Whether the record is what was written: by itself, and beside what was anchored elsewhere."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from strongroom.breakglass.anchors import Anchor, Anchors, find
from strongroom.breakglass.record import BEGINNING, Entry, Record
from strongroom.cluster.journal import Line


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        problems: what was tampered with, one sentence each.
        notes: what cannot be said, and why.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]


def verify(folder: Path) -> Verdict:
    """Look at the record of the stack in `folder`."""
    lines = Record(folder).lines()
    anchors = find(folder)
    entries = [entry for _, entry in lines if entry is not None]
    problems = [
        *_spoilt_lines(lines),
        *_edited(entries),
        *_broken_chain(entries),
        *_unlike_anchors(entries, [*anchors.logged, *anchors.alerted]),
    ]
    return Verdict(tuple(problems), (*_torn(lines), *_unanchored(entries, anchors)))


def _spoilt_lines(lines: Sequence[tuple[Line, Entry | None]]) -> Iterator[str]:
    after = [entry for _, entry in lines[1:]]
    for (line, entry), follower in zip(lines, [*after, None], strict=False):
        told = follower is not None and follower.torn == hashlib.sha256(line.raw).hexdigest()
        if entry is None and line.whole and not told:
            yield f"line {line.number} is no entry as Strongroom writes it: it was edited"


def _torn(lines: Sequence[tuple[Line, Entry | None]]) -> Iterator[str]:
    if lines and lines[-1][1] is None and not lines[-1][0].whole:
        yield (
            f"line {lines[-1][0].number} is only a beginning: writing it was cut short, by a kill "
            "or a full disk; the next entry goes on after it"
        )


def _edited(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.hash != entry.computed_hash:
            yield f"entry {entry.seq} was edited: its hash is not that of what it says"


def _broken_chain(entries: Sequence[Entry]) -> Iterator[str]:
    if entries and entries[0].seq != 1:
        yield f"{_span(1, entries[0].seq - 1)} missing at the beginning"
    elif entries and entries[0].previous != BEGINNING:
        yield "entry 1 was chained to an entry before it, which is missing"
    for before, entry in pairwise(entries):
        if entry.seq > before.seq + 1:
            yield f"{_span(before.seq + 1, entry.seq - 1)} missing"
        elif entry.seq <= before.seq:
            yield f"entry {entry.seq} stands after entry {before.seq}: put there, or moved"
        elif entry.previous != before.hash:
            yield f"entry {before.seq} is not the one that entry {entry.seq} was chained to"


def _unlike_anchors(entries: Sequence[Entry], anchors: Sequence[Anchor]) -> Iterator[str]:
    by_seq = {entry.seq: entry for entry in entries}
    last = entries[-1].seq if entries else 0
    told = set[tuple[int, str]]()
    for anchor in anchors:
        entry = by_seq.get(anchor.seq)
        if (anchor.seq, anchor.hash) in told or (entry and entry.hash == anchor.hash):
            continue
        told.add((anchor.seq, anchor.hash))
        known = f"{anchor.where} has known entry {anchor.seq} since {anchor.at}"
        if entry is not None:
            yield f"entry {anchor.seq} was rewritten: {known} as {anchor.hash[:12]}…"
        elif anchor.seq > last:
            yield f"the record was cut off after entry {last}: {known}"
        # One that is missing in between has been told already.


def _unanchored(entries: Sequence[Entry], anchors: Anchors) -> Iterator[str]:
    anchored = {anchor.seq for anchor in anchors.logged}
    bare = [entry for entry in entries if entry.seq > max(anchored, default=0)]
    since = anchors.log_since
    old = [entry.seq for entry in bare if since is None or _before(entry, since)]
    new = [entry.seq for entry in bare if entry.seq not in old]
    if old:
        reach = f"begins at {since:%Y-%m-%d %H:%M} UTC" if since else "is gone"
        yield (
            f"{_span(old[0], old[-1])} in no log any more: the server's log {reach}, so whether "
            "the record was written anew as a whole up to there cannot be told"
        )
    if new:
        yield (
            f"{_span(new[0], new[-1])} in no log: the server was not there to take the hash, or "
            "its log was changed"
        )


def _before(entry: Entry, since: datetime) -> bool:
    try:
        return datetime.fromisoformat(entry.at) < since.replace(microsecond=0)
    except (ValueError, TypeError):
        return False


def _span(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
