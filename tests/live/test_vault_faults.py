"""What goes wrong while snapshots are taken and WAL is archived; `strongroom status` says it."""

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from strongroom.agent.process import Agent as Process
from strongroom.cluster import snapshots
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.provider.local.agent import Agent
from tests.conftest import end_server
from tests.live.cli_project import ProjectStack
from tests.live.local_stack import LocalStack, Managed
from tests.live.recover_scene import MIGRATE, Scene, Writer, folder_names

pytestmark = [pytest.mark.live, pytest.mark.slow]


def _until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def _copying(vault: Vault) -> psutil.Process | None:
    """The program that is copying into the vault right now, stopped on the spot."""
    begun = str(vault.snapshots / ".new-")
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "pg_basebackup" and begun in " ".join(process.info["cmdline"]):
            process.suspend()
            return process
    return None


@pytest.fixture
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    made = ProjectStack(strongroom_home)
    yield made
    for facts in made.folder.rglob("cluster.json"):
        end_server(facts.parent)
    shutil.rmtree(made.folder.parent, ignore_errors=True)
    shutil.rmtree(made.checkout, ignore_errors=True)


def _problems(project: ProjectStack) -> list[str]:
    shown = project.strongroom("status", "--json")
    assert shown.returncode in (0, 3), shown.stderr
    problems: list[str] = json.loads(shown.stdout)["problems"]
    return problems


def test_an_archive_that_vanished_is_told_by_status_and_caught_up_with(
    project: ProjectStack,
) -> None:
    scene = Scene(project)
    vault = scene.vault
    aside = vault.folder.with_name("aside")
    vault.folder.rename(aside)
    with project.root() as root:
        root.execute("INSERT INTO app.journal VALUES (-1, 'kept')")
        name = root.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        failed = b"SELECT last_failed_wal IS NOT NULL FROM pg_stat_archiver"
        _until(lambda: root.execute(failed).fetchone() == (True,))
        assert name is not None
        assert any(f"at {name[0]}" in problem for problem in _problems(project))
        shown = project.strongroom("status")
        assert "archiving fails since" in " ".join(shown.stdout.split())
        assert "WAL stays in pg_wal until" in " ".join(shown.stdout.split())
        root.execute("INSERT INTO app.journal VALUES (-2, 'the primary goes on')")
        aside.rename(vault.folder)
        root.execute("SELECT pg_switch_wal()")
        _until((vault.wal(scene.snapshot.system) / name[0]).exists)
    assert not any("archiving" in problem for problem in _problems(project))


def test_an_agent_killed_while_it_copies_is_followed_by_one_that_begins_anew(
    project: ProjectStack,
) -> None:
    project.make(vault=str(project.folder / "vault"))
    vault = Vault(project.folder / "vault", project.cluster.user)
    agent = Managed(Agent(), "agent")
    agent.create(directory=str(project.folder / "primary"), database="app", vault=str(vault.folder))
    try:
        left = _until(lambda: _copying(vault))
        worker = Process(project.folder).process()
        assert worker is not None
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        problems = _problems(project)
        assert any("the agent is stopped" in problem for problem in problems)
        assert any("there is no sound snapshot" in problem for problem in problems)
        assert vault.catalog() == []
        agent.up()
        assert _until(vault.good)
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
        assert folder_names(vault.snapshots) == {each.name for each in vault.catalog()}
        # What a duty of the agent could not do is told, too.
        aside = vault.folder.with_name("aside")
        vault.folder.rename(aside)
        vault.folder.write_text("no folder")
        Process(project.folder).stop()
        Process(project.folder).start()
        _until(lambda: any(each.startswith("snapshots: ") for each in _problems(project)))
    finally:
        agent.destroy()


def test_a_drop_while_a_snapshot_is_taken_is_undone_without_waiting_for_it(
    empty_stack: LocalStack,
) -> None:
    scene = Scene(empty_stack)
    taken: list[Snapshot] = []
    taking = threading.Thread(
        target=lambda: taken.append(snapshots.take(scene.vault, scene.stack.cluster, full=True))
    )
    taking.start()
    copying: psutil.Process = _until(lambda: _copying(scene.vault))
    with Writer(scene) as writer:
        writer.wait_for(50)
        dropping = threading.Thread(target=scene.drop_database)
        dropping.start()
        time.sleep(0.3)
        copying.resume()  # a drop waits for a copy whose reader stands still
        dropping.join(timeout=60)
    taking.join(timeout=60)
    assert taken[0].problem is None
    # What was finished after the drop cannot go back behind it.
    plan = scene.plan(way=MIGRATE)
    assert plan.source.name == scene.snapshot.name
    assert f"{taken[0].name}: was finished at" in plan.others[0]
    with scene.vault.locked():  # as whoever takes the next one holds it
        scene.recover(plan)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()
