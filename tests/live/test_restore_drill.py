"""Restore drills: the newest snapshot and the archive alone, beside a stack that goes on."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strongroom import alerts
from strongroom.agent.duties import Duties
from strongroom.cluster import snapshots
from strongroom.drill.kept import Kept, Kind, keep, kept, problem
from strongroom.drill.restoring import SkippedError, Subject, drill
from strongroom.drill.schedule import Schedule, due
from strongroom.recovery.journal import path_of
from tests.conftest import end_server
from tests.live.local_stack import LocalStack, is_root
from tests.live.recover_scene import Scene, folder_names

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture(scope="module")
def scene(own_stack_folder: LocalStack) -> Scene:
    """A primary with a vault that holds a snapshot, and rows that only the archive holds."""
    made = Scene(own_stack_folder)
    _archived_row(made, 1)
    return made


@pytest.fixture(scope="module")
def own_stack_folder(strongroom_home: Path) -> Iterator[LocalStack]:
    made = LocalStack(strongroom_home)
    yield made
    for facts in made.folder.rglob("cluster.json"):
        end_server(facts.parent)
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def subject(scene: Scene) -> Subject:
    return Subject(scene.stack.cluster, scene.vault, "app")


@pytest.fixture
def duties(scene: Scene) -> Duties:
    """Those of an agent that has nothing else to do."""
    directory, vault = scene.stack.folder / "primary", scene.vault.folder
    found = Duties(directory, "app", vault, 1, 24, 7, 35, 7, 30)
    found.save()
    return found


def _archived_row(scene: Scene, number: int) -> None:
    """A row, and its WAL in the archive."""
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (%s, 'archived')", [number])
        row = root.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row
        waiting = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"
        for _ in range(100):
            if root.execute(waiting, row).fetchone() == (True,):
                return
            root.execute("SELECT pg_sleep(0.1)")
    raise AssertionError("nothing was archived")


def _quiet(_: str) -> None:
    pass


def _last_alert(scene: Scene) -> alerts.Alert:
    return alerts.kept(scene.stack.folder)[-1].alert


def test_what_the_snapshot_and_the_archive_hold_is_restored_and_counted(
    scene: Scene, subject: Subject
) -> None:
    before = folder_names(scene.stack.folder / "primary" / "data")
    server = scene.stack.cluster.process()
    result = drill(subject, _quiet)
    assert result.passed, result.told
    assert result.facts["snapshot"] == scene.snapshot.name
    # 500 orders, their lines, and the row that only the archive holds.
    assert (result.facts["tables"], result.facts["rows"]) == (3, 1001)
    assert kept(scene.stack.folder) == [result]
    assert folder_names(scene.stack.folder / "restore-drill") == set()
    assert folder_names(scene.stack.folder / "primary" / "data") == before
    assert scene.stack.cluster.process() == server
    assert problem(scene.stack.folder, 7) is None


def test_the_copy_archives_nothing_into_the_vault(scene: Scene, subject: Subject) -> None:
    archive = scene.vault.wal(scene.snapshot.system)
    before = folder_names(archive)
    assert drill(subject, _quiet).passed
    new = folder_names(archive) - before
    assert not any(name.startswith("00000002") for name in new), new


def test_a_segment_that_is_missing_in_the_archive_fails_it(scene: Scene, subject: Subject) -> None:
    archive = scene.vault.wal(scene.snapshot.system)
    _archived_row(scene, 2)
    gone = sorted(archive.glob("?" * 24))[-2]
    kept_aside = gone.with_name(f".{gone.name}")
    gone.rename(kept_aside)
    try:
        result = drill(subject, _quiet)
    finally:
        kept_aside.rename(gone)
    assert not result.passed
    assert f"{gone.name} is missing or spoilt" in result.told
    assert _last_alert(scene).kind == "drill.failed"
    assert "did not pass" in (problem(scene.stack.folder, 7) or "")


def test_a_recovery_under_way_comes_first(scene: Scene, subject: Subject) -> None:
    before = kept(scene.stack.folder)
    path_of(scene.stack.paths).write_text("{}")
    try:
        with pytest.raises(SkippedError, match="A recovery is under way"):
            drill(subject, _quiet)
    finally:
        path_of(scene.stack.paths).unlink()
    assert kept(scene.stack.folder) == before


def test_a_row_that_breaks_a_check_of_the_team_fails_it(
    scene: Scene, subject: Subject, tmp_path: Path
) -> None:
    check = tmp_path / "archived.sql"
    check.write_text("-- rows that should not be there\nSELECT id FROM app.journal WHERE id = 1;\n")
    result = drill(replace(subject, checks=(check,)), _quiet)
    assert not result.passed
    assert "archived.sql: 1 rows (rows that should not be there)" in result.told


@pytest.mark.skipif(not is_root(), reason="mounts a small disk")
def test_a_full_disk_fails_it_before_anything_is_copied(scene: Scene, subject: Subject) -> None:
    place = scene.stack.folder / "restore-drill"
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "none", str(place)]
    if subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        result = drill(subject, _quiet)
        assert folder_names(place) == set()
    finally:
        subprocess.run(["umount", place], check=True)
    assert not result.passed
    assert "Free space there" in result.told


def test_a_corrupt_snapshot_fails_it_and_is_not_taken_the_next_time(
    scene: Scene, subject: Subject
) -> None:
    spoilt = snapshots.take(scene.vault, scene.stack.cluster, full=True)
    victim = next((scene.vault.data(spoilt) / "base").rglob("[0-9]*/*[0-9]"))
    content = bytearray(victim.read_bytes())
    content[100] ^= 0xFF
    victim.write_bytes(content)
    result = drill(subject, _quiet)
    assert not result.passed
    assert f"Snapshot {spoilt.name} is not sound" in result.told
    assert spoilt.name in _last_alert(scene).text
    again = drill(subject, _quiet)
    assert again.passed, again.told
    assert again.facts["snapshot"] == scene.snapshot.name


def test_what_a_killed_drill_left_is_gone_after_the_next_one(
    scene: Scene, subject: Subject, duties: Duties
) -> None:
    command = [sys.executable, "-m", "strongroom.drill.restoring", str(scene.stack.folder)]
    process = subprocess.Popen(command)
    place = scene.stack.folder / "restore-drill" / "copy" / "data" / "postmaster.pid"
    _until(place.exists)
    process.kill()
    process.wait()
    result = drill(subject, _quiet)
    assert result.passed, result.told
    assert folder_names(scene.stack.folder / "restore-drill") == set()


def test_the_agent_starts_one_when_it_is_due_and_goes_on(scene: Scene, duties: Duties) -> None:
    schedule = Schedule()
    old = datetime.now(UTC) - timedelta(days=8)
    keep(scene.stack.folder, Kept(old, Kind.RESTORE, passed=True, seconds=1.0, told="an old one"))
    assert schedule.look(duties) == "one is begun"
    assert schedule.look(duties) == "one is under way"
    _until(lambda: schedule.look(duties) == "none is due; the last one: passed")


def test_when_one_is_due(duties: Duties) -> None:
    def aged(days: float, *, passed: bool = True) -> Kept:
        at = datetime.now(UTC) - timedelta(days=days)
        return Kept(at, Kind.RESTORE, passed, 1.0, "")

    assert not due(duties, None), "a new stack is left in peace for an hour"
    assert not due(duties, aged(6.9))
    assert due(duties, aged(7.1))
    assert due(duties, aged(1.1, passed=False))
    assert not due(duties, aged(0.9, passed=False))
    assert not due(replace(duties, drill_every_days=0), aged(100))


def test_a_drill_that_is_overdue_twice_is_a_problem(tmp_path: Path) -> None:
    at = datetime.now(UTC) - timedelta(days=15)
    keep(tmp_path, Kept(at, Kind.RESTORE, passed=True, seconds=1.0, told=""))
    assert "15 days ago" in (problem(tmp_path, 7) or "")
    assert problem(tmp_path, 30) is None
    assert problem(tmp_path, 0) is None


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to that")
