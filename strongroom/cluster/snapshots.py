"""Taking, checking, restoring and ending snapshots."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from strongroom.cluster import base_backup
from strongroom.cluster.base_backup import PATIENCE
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.vault import Snapshot, Vault, segment
from strongroom.errors import StrongroomError


@dataclass(frozen=True)
class Retention:
    """How long snapshots are kept.

    Attributes:
        keep: the age up to which every snapshot is kept; at least one day.
        lock: the age before which nothing here removes one, whoever asks; at most `keep`.
    """

    keep: timedelta
    lock: timedelta


def take(vault: Vault, cluster: Cluster, full: bool) -> Snapshot:
    """Copy a running cluster into the vault, check the copy and enter it in the catalog.

    Args:
        vault: where to.
        cluster: the server to copy.
        full: False copies only what changed since the newest good snapshot, if there is one.

    Raises:
        StrongroomError: it could not be copied, or the copy is not sound; nothing is entered.
    """
    with vault.locked():
        return base_backup.take(vault, cluster, full)


def take_due(
    vault: Vault, cluster: Cluster, every: timedelta, full_every: timedelta
) -> Snapshot | None:
    """Take the next snapshot if it is due, and a full one if that is; None when none is due.

    Looked at under the vault's lock, so that of two who come at once only one takes it.

    Raises:
        StrongroomError: as `take`.
    """
    with vault.locked():
        if not due(vault, every):
            return None
        return base_backup.take(vault, cluster, full_due(vault, full_every))


def verify(vault: Vault, cluster: Cluster, snapshot: Snapshot) -> Snapshot:
    """Read every file of a snapshot again and enter in the catalog how it is.

    Raises:
        StrongroomError: it cannot be entered.
    """
    checked = look(vault, cluster, snapshot)
    vault.remember(checked)
    return checked


def look(vault: Vault, cluster: Cluster, snapshot: Snapshot) -> Snapshot:
    """Read every file of a snapshot again; the vault may be full or closed to writing."""
    problem = base_backup.problem(vault, cluster, snapshot, vault.data(snapshot))
    return replace(snapshot, verified=datetime.now(UTC), problem=problem)


def restore(vault: Vault, cluster: Cluster, snapshot: Snapshot, target: Path) -> None:
    """Put a snapshot's files into `target`, which does not exist yet, as a data folder.

    Raises:
        StrongroomError: a part of the snapshot is gone or broken.
    """
    chain = vault.chain(snapshot)
    for link in chain:
        if link.problem:
            raise StrongroomError(
                f"Snapshot {link.name} is not sound ({link.problem}), so {snapshot.name} cannot be "
                "restored from it. Take the one before."
            )
    folders = [str(vault.data(link)) for link in chain]
    try:
        if len(folders) == 1:
            # A file system that can shares the blocks and copies nothing.
            vault.user.run("cp", "-a", "--reflink=auto", folders[0], target, timeout=PATIENCE)
        else:
            tool = cluster.package.tool("pg_combinebackup")
            vault.user.run(tool, *folders, "--output", target, timeout=PATIENCE)
    except StrongroomError as error:
        raise StrongroomError(
            f"Snapshot {snapshot.name} could not be copied to {target.parent}: {error}. It is as "
            "it was. Mend the cause, such as a full disk, and run the command again."
        ) from error


def expire(vault: Vault, cluster: Cluster, retention: Retention) -> list[Snapshot]:
    """End what is older than it has to be kept, and the WAL that only that needed.

    A full snapshot goes together with everything that builds on it, and only when all of that is
    past its age. The last good chain stays, however old.

    Returns:
        the snapshots that were ended.
    """
    with vault.locked():
        now = datetime.now(UTC)
        ended = [each for chain in _spare(vault, retention, now) for each in chain]
        if not ended:
            _forget_wal(vault, cluster)
            return []
        with vault.ending(patience=60):
            # The newest first: what is left by a kill in the middle can still be restored.
            for snapshot in reversed(ended):
                _end(vault, snapshot)
            _forget_wal(vault, cluster)
        return ended


def remove(vault: Vault, snapshot: Snapshot, retention: Retention) -> None:
    """End one snapshot at a person's wish.

    Raises:
        StrongroomError: it is locked, others build on it, or it is the last good one.
    """
    with vault.locked():
        age = datetime.now(UTC) - snapshot.finished
        if age < retention.lock:
            until = (snapshot.finished + retention.lock).isoformat(timespec="minutes")
            raise StrongroomError(
                f"Snapshot {snapshot.name} is locked until {until}: the vault's lock keeps "
                f"everybody from removing one before it is {retention.lock.days} days old. "
                "Nothing was removed."
            )
        others = [each for each in vault.catalog() if each.name != snapshot.name]
        if any(each.parent == snapshot.name for each in others):
            raise StrongroomError(
                f"Other snapshots build on {snapshot.name}, and without it they could not be "
                "restored, so it was not removed. Remove those first."
            )
        if snapshot.problem is None and not any(each.problem is None for each in others):
            raise StrongroomError(
                f"Snapshot {snapshot.name} is the last good one, so it was not removed. Take "
                "another one first: `strongroom snapshot take`."
            )
        with vault.ending(patience=60):
            _end(vault, snapshot)


def due(vault: Vault, every: timedelta) -> bool:
    """Whether there is no good snapshot younger than `every`."""
    good = vault.good()
    return not good or datetime.now(UTC) - good[-1].finished >= every


def full_due(vault: Vault, every: timedelta) -> bool:
    """Whether there is no good full snapshot younger than `every`."""
    full = [each for each in vault.good() if each.parent is None]
    return not full or datetime.now(UTC) - full[-1].finished >= every


def _forget_wal(vault: Vault, cluster: Cluster) -> None:
    """End the archived WAL that no kept snapshot of its cluster needs."""
    tool = cluster.package.tool("pg_archivecleanup")
    oldest: dict[str, Snapshot] = {}
    for snapshot in vault.catalog():
        oldest.setdefault(snapshot.system, snapshot)
    for system, snapshot in oldest.items():
        first = segment(snapshot.timeline, snapshot.start_lsn)
        vault.user.run(tool, "--clean-backup-history", vault.wal(system), first)


def _end(vault: Vault, snapshot: Snapshot) -> None:
    folder = vault.snapshots / snapshot.name
    gone = vault.snapshots / f".gone-{snapshot.name}"
    folder.rename(gone)  # at once out of the catalog, whatever happens to the rest
    shutil.rmtree(gone, ignore_errors=True)


def _spare(vault: Vault, retention: Retention, now: datetime) -> Iterable[list[Snapshot]]:
    chains: dict[str, list[Snapshot]] = {}
    root: dict[str, str] = {}
    for snapshot in vault.catalog():
        first = root.get(snapshot.parent or "", snapshot.name)
        root[snapshot.name] = first
        chains.setdefault(first, []).append(snapshot)
    good = [first for first, chain in chains.items() if chain[0].problem is None]
    last_good = good[-1] if good else None
    limit = max(retention.keep, retention.lock)
    for first, chain in chains.items():
        if first != last_good and all(now - each.finished > limit for each in chain):
            yield chain
