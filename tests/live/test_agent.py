"""The agent: one for each stack, outliving who started it, doing what is due."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from strongroom.agent.process import Agent as Process
from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.vault import Vault
from strongroom.provider.local.agent import Agent
from tests.live.local_stack import LocalStack, Managed

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def managed(own_stack: LocalStack) -> Iterator[Managed]:
    vault = str(own_stack.folder / "vault")
    own_stack.primary.up(vault=vault)
    made = Managed(Agent(), "agent")
    made.create(directory=str(own_stack.folder / "primary"), database="app", vault=vault)
    yield made
    made.destroy()


@pytest.fixture
def agent(own_stack: LocalStack, managed: Managed) -> Process:
    """The agent, running; a test may kill it."""
    managed.up()
    return Process(own_stack.folder)


def _wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def _beat(stack: LocalStack) -> datetime | None:
    with stack.root() as root:
        row = root.execute("SELECT max(beat) FROM strongroom.heartbeat").fetchone()
    return row[0] if row else None


def test_it_writes_a_heartbeat_every_second_and_says_how_its_duties_went(
    own_stack: LocalStack, agent: Process
) -> None:
    first = _wait_for(lambda: _beat(own_stack))
    second = _wait_for(lambda: (beat := _beat(own_stack)) != first and beat)
    assert second - first < timedelta(seconds=5)
    went = _wait_for(lambda: len(agent.reported()) == 9 and agent.reported())
    assert {name for name, each in went.items() if "problem" not in each} == {
        "heartbeat",
        "snapshots",
        "rotation",
        "drills",
        "alerts",
        "break-glass",
        "elevations",
        "watch",
        "health",
    }
    assert agent.silent_for() is not None


def test_it_takes_the_first_snapshot(own_stack: LocalStack, agent: Process) -> None:
    vault = Vault(own_stack.folder / "vault", own_stack.cluster.user)
    assert _wait_for(vault.good)


def test_there_is_one_for_each_stack_however_often_it_is_started(
    own_stack: LocalStack, agent: Process
) -> None:
    first = _wait_for(agent.process)
    agent.start()
    command = [sys.executable, "-m", "strongroom.agent", str(own_stack.folder)]
    assert subprocess.run(command, check=False, timeout=30).returncode == 0
    assert agent.process() == first
    mine = [
        each
        for each in psutil.process_iter(["cmdline"])
        if each.info["cmdline"] and each.info["cmdline"][1:4] == command[1:]
    ]
    assert len(mine) == 1


def test_one_that_was_killed_is_told_and_started_again_by_the_next_up(
    managed: Managed, agent: Process
) -> None:
    killed = _wait_for(agent.process)
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    assert managed.refresh() == ["the agent does not run"]
    assert managed.up().updates == ("drift",)
    assert managed.refresh() == []
    assert _wait_for(agent.process) != killed


def test_new_duties_are_taken_up_by_the_running_one(
    own_stack: LocalStack, managed: Managed, agent: Process
) -> None:
    assert managed.up(rotate_after_days=1).updates == ("rotateAfterDays",)
    sealed = LocalRoot(own_stack.cluster).sealed
    content = json.loads(sealed.path.read_text())
    old = content["current"]["password"]
    content["current"]["since"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    sealed.user.write(sealed.path, json.dumps(content))
    # It looks once a minute; a new one looks at once.
    agent.stop()
    agent.start()
    _wait_for(lambda: (now := sealed.current()) and now.value != old)
    assert not LocalRoot(own_stack.cluster).locked_out()


def test_a_server_that_stops_is_a_problem_and_its_return_is_not(
    own_stack: LocalStack, agent: Process
) -> None:
    own_stack.cluster.stop()
    _wait_for(lambda: agent.reported().get("heartbeat", {}).get("problem"))
    own_stack.primary.up()
    _wait_for(lambda: "problem" not in agent.reported()["heartbeat"])
    assert "heartbeat works again" in agent.log.read_text()


def test_duties_spoilt_by_hand_are_told(
    own_stack: LocalStack, managed: Managed, agent: Process
) -> None:
    (own_stack.folder / "agent.json").write_text("{")
    _wait_for(lambda: not agent.running())
    assert managed.refresh() == [
        "its duties are not written down as declared",
        "the agent does not run",
    ]
    managed.up()
    assert managed.refresh() == []


def test_one_whose_stack_is_gone_ends_by_itself(strongroom_home: Path) -> None:
    folder = strongroom_home / "gone"
    folder.mkdir()
    managed = Managed(Agent(), "agent")
    managed.create(directory=str(folder / "primary"), database="app", vault=str(folder / "vault"))
    agent = Process(folder)
    process = _wait_for(agent.process)
    (folder / "agent.json").unlink()
    process.wait(20)
    assert not agent.running()


def test_no_secret_is_in_what_it_writes(own_stack: LocalStack, agent: Process) -> None:
    password = LocalRoot(own_stack.cluster).sealed.current()
    assert password is not None
    for path in own_stack.folder.glob("agent*"):
        assert password.value not in path.read_text()
