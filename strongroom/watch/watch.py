"""The watch: one look after the other at what is new in the WAL and the log.

A place is kept only after what came before it is in alerts.jsonl, and an alert's name derives from
the event: a watch that is killed at any moment tells everything, once.
"""

import logging
import math
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from strongroom import alerts
from strongroom.agent.duties import Duties
from strongroom.alerts import Alert
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.vault import Vault
from strongroom.incident.events import Event
from strongroom.incident.joining import Joining
from strongroom.incident.living import Living
from strongroom.incident.log import Reading, Statement, first_time
from strongroom.incident.waldump import lsn
from strongroom.watch import sayings, tail
from strongroom.watch.bursts import Bursts
from strongroom.watch.kept import Kept
from strongroom.watch.telling import UNSEEN, Told, name_of, of_event
from strongroom.watch.transactions import STRIDE, Seen, Transactions
from strongroom.watch.wal import Point, Wal

_LOG = logging.getLogger("strongroom.watch")

#: How long the log may lag behind the WAL.
_LOG_LAG = timedelta(seconds=2)
#: How long statements are remembered that may explain a commit.
_REMEMBERED = timedelta(minutes=15)
#: Bytes of the log that are read again after a start, for statements whose commit is to come.
_BEFORE = 16 * 1024 * 1024
#: Bytes of the log in which is looked for who was there.
_PRESENT = 64 * 1024 * 1024
#: Strides of WAL that are read in one look at most: 1 GB.
_STRIDES = 8
#: Without one of these words nothing is destroyed, and nobody cut off; in lower case.
_DESTROYS = (b"drop", b"truncate", b"delete", b"57p01")
#: Seconds between two writes of how far it has come, when nothing happened.
_SAVED_EVERY = 10


class Watch:
    """Watches the primary of one stack."""

    def __init__(self, duties: Duties) -> None:
        self.duties = duties
        self.stack = duties.stack
        self.name = duties.stack.name
        self._kept: Kept | None = None
        self._saved_at = -math.inf
        # What was told, by name, and what is to be told.
        self._names = {each.id for each in alerts.kept(self.stack)}
        self._to_tell: list[Told] = []
        self._bursts = Bursts({})
        # How far the WAL and the log were read, and the log for what it may explain.
        self._point = Point(0, 0)
        self._log = self._fed = tail.Place()
        self._transactions = Transactions(duties.alert_delete_rows)
        self._reading = Reading()
        # What waits for its explanation, what was explained, and what was asked of the WAL.
        self._waiting: list[Seen] = []
        self._joined: set[tuple[str, str]] = set()
        self._asked: set[tuple[str, str]] = set()
        self._first: dict[Path, datetime] = {}

    def look(self) -> str:
        """Tell what is new since the last look.

        Returns:
            what it does, in words.

        Raises:
            StrongroomError: a log or the WAL cannot be read, or an alert not be kept.
        """
        cluster = Cluster.at(self.duties.directory)
        vault = Vault(self.duties.vault, cluster.user)
        wal = Wal(cluster, vault, self.duties.alert_delete_rows)
        if self._kept is None and not self._begin(cluster, wal):
            return "there is no WAL to watch yet"
        now = datetime.now(UTC)
        self._to_tell += self._bursts.ended(now)
        self._follow_wal(wal)
        # The log after the WAL: what explains a commit was written before it.
        self._feed(cluster)
        self._follow_log(cluster, now)
        self._judge(wal, now)
        self._tell()
        self._save()
        return "watching"

    def _begin(self, cluster: Cluster, wal: Wal) -> bool:
        """Go on from what was kept, or begin now."""
        kept = Kept.load(self.stack)
        if kept is None:
            end = wal.end()
            if end is None:
                return False
            kept = Kept(datetime.now(UTC), tail.now(cluster.log), end.timeline, end.lsn)
            kept.save(self.stack)
        self._kept = kept
        self._point = Point(kept.timeline, kept.lsn)
        self._bursts = Bursts(kept.bursts)
        self._log = kept.log
        self._fed = tail.back(cluster.log, kept.log, _BEFORE)
        return True

    def _follow_wal(self, wal: Wal) -> None:
        for _ in range(_STRIDES):
            with wal.following(self._point) as found:
                if found is None:
                    return
                search, begin = found
                if begin != self._point:
                    self._moved(begin)
                seen, end = self._transactions.read(search, begin.lsn)
            self._waiting += [each for each in seen if each.deed.time >= self._since]
            self._point = Point(begin.timeline, end)
            if end - begin.lsn < STRIDE // 2:
                return

    def _moved(self, begin: Point) -> None:
        """The WAL goes on elsewhere: after a gap, or on a new timeline."""
        if begin.timeline == self._point.timeline:
            text = (
                f"The WAL from {self._point} to {begin} is neither in pg_wal nor in the vault any "
                "more, so what was destroyed meanwhile and is not in the log was not seen. "
                f"`strongroom incident -s {self.name}` tells what the log has of it."
            )
            title = f"Part of the WAL was not watched on {self.name}"
            alert = Alert(datetime.now(UTC), UNSEEN, title, text)
            self._to_tell.append(Told(name_of(UNSEEN, self._point, begin), alert, ""))
        self._transactions.open.clear()

    def _feed(self, cluster: Cluster) -> None:
        """Remember statements that may explain what the WAL tells."""
        while True:
            lines, self._fed = tail.read(cluster.log, self._fed)
            if not lines:
                return
            lowered = lines.lower()
            telling = any(word in lowered for word in _DESTROYS)
            if telling or any(id_ in lines for id_ in self._reading.followed):
                for line in lines.splitlines(keepends=True):
                    self._reading.take(line)
            self._reading.forget(datetime.now(UTC) - _REMEMBERED)

    def _follow_log(self, cluster: Cluster, now: datetime) -> None:
        """Tell what only the log tells."""
        while True:
            lines, after = tail.read(cluster.log, self._log)
            told, length = sayings.read(self.name, lines, now, lsn(self._point.lsn))
            self._to_tell += [each for each in told if each.alert.at >= self._since]
            if length < len(lines):
                # Only what was read of the last file is left.
                self._log = replace(after, offset=after.offset - len(lines) + length)
                return
            self._log = after
            if not lines:
                return

    def _judge(self, wal: Wal, now: datetime) -> None:
        """Say who did what the WAL tells, as soon as the log can have said it."""
        schemas = [said for said in self._drops_of_schemas() if now - said.at > _LOG_LAG]
        if not self._waiting and not schemas:
            return
        joining = self._joining(wal.cluster)
        for said in schemas:
            self._asked.add((said.session.id, said.virtual))
            self._waiting += wal.schemas(said.at, joining.is_said)
        # The newest first: of two statements of one session the later one explains it.
        self._waiting.sort(key=lambda each: each.deed.finish.lsn, reverse=True)
        rest = []
        for each in self._waiting:
            event = joining.event(each.deed)
            if not _explained(event) and now - event.time < _LOG_LAG:
                rest.append(each)
            elif not event.harmless:
                self._to_tell.append(of_event(self.name, event))
        self._waiting = rest

    def _drops_of_schemas(self) -> list[Statement]:
        """Statements that may have dropped a schema without tables: no commit tells of those."""
        joining = Joining(self._reading.log((), {}), Living(), self._joined)
        return [
            said
            for said in joining.log.statements
            if joining.is_open(said)
            and said.at >= self._since
            and (said.session.id, said.virtual) not in self._asked
        ]

    def _joining(self, cluster: Cluster) -> Joining:
        files = sorted(cluster.log.glob("postgresql-*.json"))[-2:]
        for path in files:
            if path not in self._first and (at := first_time(path)):
                self._first[path] = at
        log = self._reading.log(files, self._first, _PRESENT)
        return Joining(log, Living.ask(cluster), self._joined)

    def _tell(self) -> None:
        """Keep the alerts; one that cannot be kept is tried again at the next look."""
        while self._to_tell:
            told = self._to_tell[0]
            if told.name not in self._names:
                if self._bursts.let(told):
                    alerts.keep(self.stack, told.alert, told.name)
                    _LOG.warning("alert: %s (%s)", told.alert.title, _in_words(told.alert))
                self._names.add(told.name)
                self._saved_at = -math.inf
            self._to_tell.pop(0)

    def _save(self) -> None:
        if time.monotonic() - self._saved_at < _SAVED_EVERY:
            return
        firsts = [self._transactions.first, *(each.first for each in self._waiting)]
        least = min([self._point.lsn, *(each for each in firsts if each is not None)])
        bursts = self._bursts.dump()
        Kept(self._since, self._log, self._point.timeline, least, bursts).save(self.stack)
        self._saved_at = time.monotonic()

    @property
    def _since(self) -> datetime:
        return self._kept.since if self._kept else datetime.now(UTC)


def _explained(event: Event) -> bool:
    return event.culprit is not None and not event.unknown


def _in_words(alert: Alert) -> str:
    return ", ".join(f"{name} {value}" for name, value in alert.facts.items())
