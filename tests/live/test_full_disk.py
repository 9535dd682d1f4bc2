"""Disks that are full: the vault's, and the stack's in the middle of a recovery."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strongroom.cluster import snapshots
from strongroom.cluster.room import free
from strongroom.errors import StrongroomError
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Plan
from strongroom.recovery.run import Run
from tests.live.local_stack import LocalStack, is_root
from tests.live.recover_scene import MIGRATE, Quiet, Scene, Writer, databases, folder_names

pytestmark = [pytest.mark.live, pytest.mark.slow]

_MB = 1024 * 1024


@contextmanager
def _disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of its own (MB), where one can be mounted."""
    folder.mkdir(exist_ok=True, mode=0o755)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "none", str(folder)]
    if not is_root() or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a file system, and not in every container")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(folder: Path, leave: int) -> Path:
    """Take what is free on a disk but for some MB; returns the file that has it."""
    filling = folder / "filling"
    with filling.open("ab") as file:
        file.truncate(0)
        while free(folder) > (leave + 1) * _MB:
            file.write(bytes(_MB))
            file.flush()
    return filling


@pytest.fixture
def small_vault(empty_stack: LocalStack) -> Iterator[Scene]:
    """A stack whose vault is a file system of its own."""
    with _disk(empty_stack.folder / "vault", 400):
        scene = Scene(empty_stack)
        yield scene
        scene.stack.cluster.stop()


def test_a_full_vault_stops_snapshots_and_archive_but_neither_the_primary_nor_a_recovery(
    small_vault: Scene,
) -> None:
    scene = small_vault
    vault, cluster = scene.vault, scene.stack.cluster
    filling = _fill(vault.folder, leave=150)
    with pytest.raises(StrongroomError, match=r"needs about \d+ MB in .*Free space there"):
        snapshots.take(vault, cluster, full=True)
    filling.unlink()
    # Somebody else takes the rest of the disk while it is copied.
    copying = threading.Thread(target=_once_there, args=(vault.snapshots, vault.folder))
    copying.start()
    with pytest.raises(StrongroomError, match=r"No space left|was ended because the disk"):
        snapshots.take(vault, cluster, full=True)
    copying.join()
    assert folder_names(vault.snapshots) == {scene.snapshot.name}
    # Nothing can be written at all: the primary keeps its WAL and goes on.
    _fill(vault.folder, leave=0)
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (-1, 'kept')")
        name = root.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        failed = b"SELECT last_failed_wal IS NOT NULL FROM pg_stat_archiver"
        _until(lambda: root.execute(failed).fetchone() == (True,))
    assert name is not None
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    scene.recover(scene.plan(way=MIGRATE, source="snapshot"))
    assert scene.journal()[1 : len(writer.acknowledged) + 1] == writer.acknowledged
    # With room again, the next one does what was left undone.
    (vault.folder / "filling").unlink()
    snapshots.take(vault, cluster, full=True)
    _until((vault.wal(scene.snapshot.system) / name[0]).exists)
    scene.sound()


def _go(scene: Scene, plan: Plan, progress: Quiet) -> None:
    """Begin it, or go on with it."""
    begun = Journal.at(scene.stack.paths)
    if begun is None:
        scene.recover(plan, progress)
    else:
        Run(scene.situation, begun, progress).go()


def _once_there(snapshots_folder: Path, disk: Path) -> None:
    _until(lambda: any(name.startswith(".new-") for name in folder_names(snapshots_folder)))
    _fill(disk, leave=10)


def _until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class _Filler(Quiet):
    """Fills the disk when a step tells something for the first time."""

    def __init__(self, disk: Path, step: str, leave: int) -> None:
        super().__init__()
        self._disk, self._step, self._leave = disk, step, leave
        self.filled: Path | None = None

    def note(self, text: str) -> None:
        mine = self.steps and self._step in self.steps[-1]
        if mine and self.filled is None and not text.startswith("checking"):
            self.filled = _fill(self._disk, self._leave)


@pytest.fixture
def small_disk(empty_stack: LocalStack) -> Iterator[Scene]:
    """A stack on a file system of its own."""
    with _disk(empty_stack.folder, 900):
        scene = Scene(empty_stack)
        yield scene
        for cluster in scene.stack.paths.clusters():
            cluster.stop()


def test_a_disk_that_is_filled_while_it_recovers_leaves_the_primary_its_room(
    small_disk: Scene,
) -> None:
    scene, folder = small_disk, small_disk.stack.folder
    with scene.stack.root() as root:
        root.execute(
            "CREATE TABLE app.big AS SELECT repeat('x', 1000) FROM generate_series(1, 40000)"
        )
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    serving = scene.stack.cluster.process()
    filling = _fill(folder, leave=300)
    with pytest.raises(StrongroomError, match=r"needs about .* Free space"):
        scene.plan(way=MIGRATE)
    filling.unlink()
    plan = scene.plan(way=MIGRATE)
    for step, leave in (("copying", 20), ("restoring", 100)):
        filler = _Filler(folder, step, leave)
        with pytest.raises(StrongroomError, match=r"No space left|less than 134 MB left"):
            _go(scene, plan, filler)
        assert filler.filled
        # What was begun made room, and the primary serves on.
        assert not any(name.startswith(".new-") for name in folder_names(folder / "recovered"))
        assert "app_recovering" not in databases(scene.stack)
        scene.write_elsewhere(f"while {step}")
        filler.filled.unlink()
    assert scene.stack.cluster.process() == serving
    _go(scene, plan, Quiet())
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert scene.count("SELECT count(*) FROM app.big") == 40000
    assert databases(scene.stack) == {"app", "other", "postgres", "template0", "template1"}
    scene.sound()
