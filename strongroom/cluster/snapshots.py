"""Taking, checking, restoring and ending snapshots."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from strongroom.cluster.certificates import MACHINE_LIFETIME, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.vault import Snapshot, Vault, segment
from strongroom.errors import StrongroomError
from strongroom.tiers import REPLICATOR

_HOURS = 3600


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
        return _take(vault, cluster, full)


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
        return _take(vault, cluster, full_due(vault, full_every))


def _take(vault: Vault, cluster: Cluster, full: bool) -> Snapshot:
    sweep(vault)
    begun = datetime.now(UTC)
    parent = None if full else _newest(vault, cluster)
    name = f"{begun:%Y%m%dT%H%M%S}.{begun.microsecond // 1000:03}Z"
    new = vault.user.folder(vault.snapshots / f".new-{name}")
    copied = new / "data"
    tool = cluster.package.tool("pg_basebackup")
    incremental = []
    if parent is not None:
        incremental = [f"--incremental={vault.data(parent) / 'backup_manifest'}"]
    vault.user.run(
        *(tool, "--pgdata", copied, "--wal-method=stream", "--checkpoint=fast"),
        *("--manifest-checksums=SHA256", f"--label=strongroom {name}", "--no-password"),
        *incremental,
        *("--dbname", _conninfo(vault, cluster)),
        timeout=12 * _HOURS,
    )
    snapshot = _described(cluster, name, parent, copied)
    if problem := _problem(vault, cluster, snapshot, copied):
        shutil.rmtree(new, ignore_errors=True)
        raise StrongroomError(
            f"The snapshot just taken of {cluster.directory.name} is not sound ({problem}), so "
            "it was not kept. Look at the disk of the vault and take another one."
        )
    new.rename(vault.snapshots / name)
    vault.remember(snapshot)
    return snapshot


def verify(vault: Vault, cluster: Cluster, snapshot: Snapshot) -> Snapshot:
    """Read every file of a snapshot again and enter in the catalog how it is."""
    problem = _problem(vault, cluster, snapshot, vault.data(snapshot))
    checked = replace(snapshot, verified=datetime.now(UTC), problem=problem)
    vault.remember(checked)
    return checked


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
    if len(folders) == 1:
        # A file system that can shares the blocks and copies nothing.
        vault.user.run("cp", "-a", "--reflink=auto", folders[0], target, timeout=12 * _HOURS)
    else:
        tool = cluster.package.tool("pg_combinebackup")
        vault.user.run(tool, *folders, "--output", target, timeout=12 * _HOURS)


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
        _end(vault, snapshot)


def due(vault: Vault, every: timedelta) -> bool:
    """Whether there is no good snapshot younger than `every`."""
    good = vault.good()
    return not good or datetime.now(UTC) - good[-1].finished >= every


def full_due(vault: Vault, every: timedelta) -> bool:
    """Whether there is no good full snapshot younger than `every`."""
    full = [each for each in vault.good() if each.parent is None]
    return not full or datetime.now(UTC) - full[-1].finished >= every


def sweep(vault: Vault) -> None:
    """Remove what a killed run left: copies that were never finished, or half removed."""
    for leftover in vault.snapshots.glob(".*"):
        shutil.rmtree(leftover, ignore_errors=True)


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


def _newest(vault: Vault, cluster: Cluster) -> Snapshot | None:
    """What an incremental snapshot can build on: good, of this cluster, on its timeline."""
    facts = control(cluster)
    same = (
        facts["Database system identifier"],
        int(facts["Latest checkpoint's TimeLineID"]),
        cluster.package.version,
    )
    good = [one for one in vault.good() if (one.system, one.timeline, one.server) == same]
    return good[-1] if good else None


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


def _described(cluster: Cluster, name: str, parent: Snapshot | None, copied: Path) -> Snapshot:
    text = (copied / "backup_manifest").read_bytes()
    manifest: dict[str, Any] = json.loads(text)
    wal = manifest["WAL-Ranges"][-1]
    return Snapshot(
        name=name,
        parent=parent.name if parent else None,
        system=str(manifest["System-Identifier"]),
        timeline=wal["Timeline"],
        start_lsn=wal["Start-LSN"],
        end_lsn=wal["End-LSN"],
        finished=datetime.now(UTC),
        size=sum(path.stat().st_size for path in copied.rglob("*") if path.is_file()),
        digest=hashlib.sha256(text).hexdigest(),
        verified=datetime.now(UTC),
        problem=None,
        server=cluster.package.version,
    )


def _problem(vault: Vault, cluster: Cluster, snapshot: Snapshot, copied: Path) -> str | None:
    """What is wrong with a snapshot's files; None when they are as they were taken."""
    try:
        digest = hashlib.sha256((copied / "backup_manifest").read_bytes()).hexdigest()
    except OSError as error:
        return f"its manifest cannot be read: {error.strerror}"
    if digest != snapshot.digest:
        return "its manifest is not the one it was taken with"
    tool = cluster.package.tool("pg_verifybackup")
    done = vault.user.run(tool, "--quiet", copied, timeout=12 * _HOURS, check=False)
    if done.returncode == 0:
        return None
    said = (done.stderr or done.stdout).strip().splitlines()
    return (said[0] if said else f"exit code {done.returncode}").removeprefix("pg_verifybackup: ")


def _conninfo(vault: Vault, cluster: Cluster) -> str:
    """As whom the vault copies: the replicator, with a certificate of its own."""
    authority = StackFolder.of(cluster.directory).authority
    tls = vault.user.folder(vault.folder / "tls")
    pair = KeyPair(tls / "replicator.crt", tls / "replicator.key")
    if authority.must_renew(pair):
        authority.issue_client(pair, vault.user, REPLICATOR, MACHINE_LIFETIME)
    trusted = cluster.directory / "tls" / "ca.crt"
    return make_conninfo(**sign_in(cluster, REPLICATOR, pair, trusted), application_name="vault")
