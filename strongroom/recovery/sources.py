"""What a lost state can be recovered from, the quickest first, and why not from the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import psycopg

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.room import size_of
from strongroom.cluster.vault import Snapshot, Vault, position
from strongroom.errors import StrongroomError
from strongroom.incident.waldump import lsn
from strongroom.recovery.wal import Wal


class Kind(StrEnum):
    """What a source is."""

    REPLICA = "replica"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Source:
    """Data from which WAL leads to the target.

    Attributes:
        kind: a replica or a snapshot.
        name: of the replica's folder, or of the snapshot.
        reaches: the LSN from which on it is consistent; it cannot go back behind that.
        begin: the LSN from which on it needs WAL.
        size: bytes to copy.
    """

    kind: Kind
    name: str
    reaches: str
    begin: str
    size: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Judged:
    """A source and what speaks against it.

    Attributes:
        source: which one.
        problem: why it cannot be used; None when it can.
        nearest: the last point it can be recovered to, when only WAL behind that is missing.
    """

    source: Source
    problem: str | None = None
    nearest: str | None = None


@dataclass(frozen=True)
class Sources:
    """Everything there is to recover from.

    Attributes:
        replicas: clusters that follow the primary, or did.
        primary: whose root password theirs is.
        vault: holds the snapshots; None for none.
        system: the system identifier that snapshots must have.
        wal: the WAL within reach.
    """

    replicas: tuple[Cluster, ...]
    primary: Cluster
    vault: Vault | None
    system: str
    wal: Wal

    def judged(self, target: str | None) -> Iterator[Judged]:
        """Each source for a target (None: the end of all WAL), the quickest first."""
        for replica in self.replicas:
            yield self._judge(_replica(replica, self.primary), target)
        if self.vault is None:
            return
        for snapshot in reversed(self.vault.catalog()):
            source = _snapshot(snapshot, self.vault)
            if problem := snapshot.problem or self._foreign(snapshot):
                yield Judged(source, problem)
            else:
                yield self._judge(source, target)

    def _judge(self, source: Source, target: str | None) -> Judged:
        if target and position(source.reaches) > position(target):
            verb = "has replayed" if source.kind is Kind.REPLICA else "was finished"
            return Judged(source, f"{verb} at {source.reaches}, which is after {target}")
        end = target or lsn(max(self.wal.end - 1, position(source.begin)))
        missing = self.wal.missing(source.begin, end)
        if not missing:
            return Judged(source)
        nearest = self.wal.last_before(missing[0])
        if nearest and position(nearest) <= position(source.reaches):
            nearest = None
        count = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return Judged(source, f"WAL segment {missing[0]}{count} is nowhere to be found", nearest)

    def _foreign(self, snapshot: Snapshot) -> str | None:
        if snapshot.system != self.system:
            return "it is of another cluster"
        ends = dict[int, int | None]({self.wal.timeline: None})
        for stretch, after in pairwise(self.wal.lineage):
            ends[stretch.timeline] = after.begin
        if snapshot.timeline not in ends:
            return f"it is of timeline {snapshot.timeline}, which was left behind"
        end = ends[snapshot.timeline]
        if end is not None and position(snapshot.end_lsn) > end:
            return f"timeline {snapshot.timeline} was left before it was finished"
        return None


def _replica(cluster: Cluster, primary: Cluster) -> Source:
    facts = control(cluster)
    return Source(
        kind=Kind.REPLICA,
        name=cluster.directory.name,
        reaches=replayed(cluster, primary) or facts["Minimum recovery ending location"],
        begin=facts["Latest checkpoint's REDO location"],
        size=size_of(cluster.data),
    )


def _snapshot(snapshot: Snapshot, vault: Vault) -> Source:
    try:
        size = sum(each.size for each in vault.chain(snapshot))
    except StrongroomError:
        size = snapshot.size
    return Source(Kind.SNAPSHOT, snapshot.name, snapshot.end_lsn, snapshot.end_lsn, size)


def replayed(cluster: Cluster, primary: Cluster) -> str | None:
    """How far a running replica has replayed; None when it cannot be asked."""
    if not cluster.running():
        return None
    try:
        with LocalRoot(cluster, primary).connect() as connection:
            row = connection.execute("SELECT pg_last_wal_replay_lsn()::text").fetchone()
    except (StrongroomError, psycopg.Error):
        # Its root may still have an older password: the change of it is held back, too.
        return None
    return str(row[0]) if row and row[0] else None
