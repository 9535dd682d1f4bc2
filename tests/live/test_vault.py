"""Snapshots and the WAL archive: taken, checked, restored and ended on a real server."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.port import free_port
from strongroom.cluster.snapshots import Retention
from strongroom.cluster.vault import Snapshot, Vault, missing, position, segment
from strongroom.errors import StrongroomError
from tests.conftest import end_server
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live

NOW = timedelta()
FOREVER = Retention(keep=timedelta(days=35), lock=timedelta(days=7))
AT_ONCE = Retention(keep=NOW, lock=NOW)


@pytest.fixture(scope="module")
def vault(own_stack: LocalStack) -> Vault:
    """The vault of a stack that archives into it, and keeps a table with a counted row a test."""
    vault = Vault(own_stack.folder / "vault", own_stack.cluster.user)
    vault.prepare()
    own_stack.primary.up(vault=str(vault.folder))
    with own_stack.root() as root:
        root.execute("CREATE TABLE kept (id serial, body text)")
        root.execute(
            "INSERT INTO kept (body) SELECT repeat('x', 500) FROM generate_series(1, 5000)"
        )
    return vault


@pytest.fixture
def cluster(own_stack: LocalStack) -> Cluster:
    return own_stack.cluster


@pytest.fixture
def full(vault: Vault, cluster: Cluster) -> Snapshot:
    good = [each for each in vault.catalog() if each.parent is None and not each.problem]
    return good[0] if good else snapshots.take(vault, cluster, full=True)


def _wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _rows(stack: LocalStack) -> int:
    with stack.root() as root:
        row = root.execute("SELECT count(*) FROM kept").fetchone()
    return row[0] if row else 0


@pytest.fixture
def copy(own_stack: LocalStack) -> Iterator[LocalStack]:
    """Somewhere to restore to, and to start what was restored."""
    directory = own_stack.folder / "copy"
    source = own_stack.cluster
    made = Cluster(directory, free_port(b"copy"), source.package, source.user)
    made.prepare_folders()
    yield own_stack
    end_server(directory)
    shutil.rmtree(directory)


def _restored_rows(stack: LocalStack, vault: Vault, snapshot: Snapshot) -> int:
    """Restore, start from the snapshot's own WAL, and count."""
    source = stack.cluster
    copy = Cluster(stack.folder / "copy", free_port(b"copy"), source.package, source.user)
    snapshots.restore(vault, source, snapshot, copy.data)
    for name in ("server.crt", "server.key", "ca.crt"):
        mode = 0o600
        copy.user.write(copy.directory / "tls" / name,
                        (source.directory / "tls" / name).read_bytes(), mode)  # fmt: skip
    copy.configure({"shared_buffers": "16MB", "max_connections": "40"})
    copy.remember()
    copy.start()
    with LocalRoot(copy, source).connect("app") as root:
        row = root.execute("SELECT count(*) FROM kept").fetchone()
    copy.stop()
    return row[0] if row else 0


def test_a_snapshot_is_catalogued_with_what_recovery_needs(
    vault: Vault, cluster: Cluster, full: Snapshot
) -> None:
    assert full in vault.catalog()
    assert full.parent is None
    assert position(full.start_lsn) <= position(full.end_lsn)
    assert full.size > 10_000_000
    assert full.problem is None
    assert Snapshot.load(full.dump()) == full
    assert vault.find(full.name) == full
    assert snapshots.verify(vault, cluster, full).problem is None


def test_wal_is_archived_without_a_gap(vault: Vault, own_stack: LocalStack, full: Snapshot) -> None:
    with own_stack.root() as root:
        root.execute("INSERT INTO kept (body) VALUES ('archived')")
        end = root.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        root.execute("SELECT pg_switch_wal()")
    assert end is not None
    name = segment(full.timeline, end[0])
    archive = vault.wal(full.system)
    _wait_for((archive / name).exists)
    assert missing(archive, full.timeline, full.start_lsn, end[0]) == []
    (archive / name).rename(archive / "aside")
    assert missing(archive, full.timeline, full.start_lsn, end[0]) == [name]
    (archive / "aside").rename(archive / name)


def test_an_incremental_snapshot_is_small_and_restores_everything(
    vault: Vault, cluster: Cluster, copy: LocalStack, full: Snapshot
) -> None:
    with copy.root() as root:
        root.execute("INSERT INTO kept (body) VALUES ('later')")
    taken = snapshots.take(vault, cluster, full=False)
    assert taken.parent == full.name
    assert taken.size < full.size / 2 + 40_000_000
    assert [each.name for each in vault.chain(taken)] == [full.name, taken.name]
    assert _restored_rows(copy, vault, taken) == _rows(copy)


def test_a_full_snapshot_restores_what_it_held(
    vault: Vault, copy: LocalStack, full: Snapshot
) -> None:
    assert _restored_rows(copy, vault, full) >= 5000


def test_one_byte_changed_is_found_and_such_a_snapshot_is_not_restored(
    vault: Vault, cluster: Cluster, tmp_path: Path
) -> None:
    spoilt = snapshots.take(vault, cluster, full=True)
    file = max((vault.data(spoilt) / "base").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    checked = snapshots.verify(vault, cluster, spoilt)
    assert "checksum mismatch" in (checked.problem or "")
    with pytest.raises(StrongroomError, match="is not sound"):
        snapshots.restore(vault, cluster, checked, tmp_path / "never")
    assert not (tmp_path / "never").exists()
    snapshots.remove(vault, checked, AT_ONCE)


def test_a_manifest_written_anew_is_found(vault: Vault, cluster: Cluster) -> None:
    spoilt = snapshots.take(vault, cluster, full=True)
    manifest = vault.data(spoilt) / "backup_manifest"
    manifest.write_text(manifest.read_text() + "\n")
    problem = snapshots.verify(vault, cluster, spoilt).problem
    assert problem == "its manifest is not the one it was taken with"
    snapshots.remove(vault, vault.find(spoilt.name), AT_ONCE)


def test_what_is_locked_needed_or_the_last_good_one_is_not_removed(
    vault: Vault, cluster: Cluster, full: Snapshot
) -> None:
    incremental = snapshots.take(vault, cluster, full=False)
    with pytest.raises(StrongroomError, match="is locked until"):
        snapshots.remove(vault, incremental, FOREVER)
    with pytest.raises(StrongroomError, match="build on"):
        snapshots.remove(vault, vault.find(incremental.parent or ""), AT_ONCE)
    for snapshot in reversed(vault.catalog()):
        if snapshot != full:
            snapshots.remove(vault, snapshot, AT_ONCE)
    with pytest.raises(StrongroomError, match="the last good one"):
        snapshots.remove(vault, full, AT_ONCE)
    assert vault.catalog() == [full]


def test_retention_ends_old_chains_and_their_wal_but_never_the_last_good_one(
    vault: Vault, cluster: Cluster, full: Snapshot
) -> None:
    snapshots.take(vault, cluster, full=False)
    assert snapshots.expire(vault, cluster, FOREVER) == []
    assert snapshots.expire(vault, cluster, AT_ONCE) == []  # all there is, is one good chain
    newer = snapshots.take(vault, cluster, full=True)
    ended = snapshots.expire(vault, cluster, AT_ONCE)
    assert full.name in {each.name for each in ended}
    assert vault.catalog() == [newer]
    first = segment(newer.timeline, newer.start_lsn)
    assert all(path.name[:24] >= first for path in vault.wal(newer.system).iterdir())
    broken = replace(newer, problem="made up")
    vault.remember(broken)
    good = snapshots.take(vault, cluster, full=True)
    assert snapshots.expire(vault, cluster, AT_ONCE) == [broken]
    assert vault.catalog() == [good]


def test_what_a_killed_run_left_is_swept_and_never_catalogued(
    vault: Vault, cluster: Cluster
) -> None:
    leftover = vault.snapshots / ".new-20200101T000000Z" / "data"
    leftover.mkdir(parents=True)
    (leftover / "file").write_text("half")
    before = vault.catalog()
    snapshots.take(vault, cluster, full=False)
    assert not leftover.exists()
    assert len(vault.catalog()) == len(before) + 1


def test_a_broken_entry_or_a_missing_parent_is_said_and_nothing_is_restored(
    vault: Vault, cluster: Cluster, tmp_path: Path
) -> None:
    newest = vault.catalog()[-1]
    orphan = replace(newest, name="20990101T000000Z", parent="20000101T000000Z")
    with pytest.raises(StrongroomError, match="which is not in"):
        snapshots.restore(vault, cluster, orphan, tmp_path / "never")
    with pytest.raises(StrongroomError, match="No snapshot is called 'none'"):
        vault.find("none")
