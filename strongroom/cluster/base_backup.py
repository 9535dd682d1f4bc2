"""One base backup into the vault: copied from a running cluster, checked and entered."""

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from strongroom.cluster.certificates import MACHINE_LIFETIME, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.room import RESERVE, end_writers, free, kept_free, size_of
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.errors import StrongroomError
from strongroom.tiers import REPLICATOR

#: Seconds a copy or a check may take: half a day.
PATIENCE = 12 * 3600


def take(vault: Vault, cluster: Cluster, full: bool) -> Snapshot:
    """Copy a running cluster into the vault, check the copy and enter it in the catalog.

    The vault is locked; see `snapshots.take`.

    Raises:
        StrongroomError: it could not be copied, or the copy is not sound; nothing of it is kept.
    """
    sweep(vault)
    begun = datetime.now(UTC)
    parent = None if full else _newest(vault, cluster)
    _refuse_full_disk(vault, cluster, parent)
    name = f"{begun:%Y%m%dT%H%M%S}.{begun.microsecond // 1000:03}Z"
    new = vault.user.folder(vault.snapshots / f".new-{name}")
    try:
        with kept_free(vault.folder, lambda: end_writers(new), f"Snapshot {name}"):
            snapshot = _copied(vault, cluster, name, parent, new / "data")
        vault.remember(snapshot, new)
        new.rename(vault.snapshots / name)
    except BaseException:
        end_writers(new)
        shutil.rmtree(new, ignore_errors=True)
        raise
    return snapshot


def _copied(
    vault: Vault, cluster: Cluster, name: str, parent: Snapshot | None, copied: Path
) -> Snapshot:
    tool = cluster.package.tool("pg_basebackup")
    incremental = []
    if parent is not None:
        incremental = [f"--incremental={vault.data(parent) / 'backup_manifest'}"]
    try:
        vault.user.run(
            *(tool, "--pgdata", copied, "--wal-method=stream", "--checkpoint=fast"),
            *("--manifest-checksums=SHA256", f"--label=strongroom {name}", "--no-password"),
            *incremental,
            *("--dbname", _conninfo(vault, cluster)),
            timeout=PATIENCE,
        )
    except StrongroomError as error:
        raise StrongroomError(
            f"No snapshot of {cluster.directory.name} was taken: {error}. Those before and the "
            f"database are as they were. Mend the cause, such as a full disk of {vault.folder}, "
            "and run `strongroom snapshot take`; the agent tries again within a minute."
        ) from error
    snapshot = _described(cluster, name, parent, copied)
    if wrong := problem(vault, cluster, snapshot, copied):
        raise StrongroomError(
            f"The snapshot just taken of {cluster.directory.name} is not sound ({wrong}), so "
            "it was not kept. Look at the disk of the vault and take another one."
        )
    return snapshot


def _refuse_full_disk(vault: Vault, cluster: Cluster, parent: Snapshot | None) -> None:
    """Raise `StrongroomError` when there is no room; how big one with a parent is, nobody knows."""
    size = 0 if parent else size_of(cluster.data) - size_of(cluster.data / "pg_wal")
    there = free(vault.folder)
    if there < size + RESERVE:
        raise StrongroomError(
            f"A snapshot of {cluster.directory.name} needs about {size / 1e6:,.0f} MB in "
            f"{vault.folder}, where {there / 1e6:,.0f} MB are free and {RESERVE / 1e6:.0f} MB are "
            "left to WAL, so none was taken; those before and the database are as they were. Free "
            "space there, or name a vault on another disk (`pulumi config set vault …`)."
        )


def sweep(vault: Vault) -> None:
    """Remove what a killed run left: copies that were never finished, or half removed."""
    end_writers(vault.snapshots / ".new-")
    for leftover in vault.snapshots.glob(".*"):
        shutil.rmtree(leftover, ignore_errors=True)


def problem(vault: Vault, cluster: Cluster, snapshot: Snapshot, copied: Path) -> str | None:
    """What is wrong with a snapshot's files; None when they are as they were taken."""
    try:
        digest = hashlib.sha256((copied / "backup_manifest").read_bytes()).hexdigest()
    except OSError as error:
        return f"its manifest cannot be read: {error.strerror}"
    if digest != snapshot.digest:
        return "its manifest is not the one it was taken with"
    tool = cluster.package.tool("pg_verifybackup")
    done = vault.user.run(tool, "--quiet", copied, timeout=PATIENCE, check=False)
    if done.returncode == 0:
        return None
    said = (done.stderr or done.stdout).strip().splitlines()
    return (said[0] if said else f"exit code {done.returncode}").removeprefix("pg_verifybackup: ")


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


def _conninfo(vault: Vault, cluster: Cluster) -> str:
    """As whom the vault copies: the replicator, with a certificate of its own."""
    authority = StackFolder.of(cluster.directory).authority
    tls = vault.user.folder(vault.folder / "tls")
    pair = KeyPair(tls / "replicator.crt", tls / "replicator.key")
    if authority.must_renew(pair):
        authority.issue_client(pair, vault.user, REPLICATOR, MACHINE_LIFETIME)
    trusted = cluster.directory / "tls" / "ca.crt"
    return make_conninfo(**sign_in(cluster, REPLICATOR, pair, trusted), application_name="vault")
