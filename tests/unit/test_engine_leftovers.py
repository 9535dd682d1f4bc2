"""What an engine that was killed leaves behind: locks, and processes that wait for it."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from strongroom.engine.locks import clear_stale, locks, refuse_if_locked
from strongroom.engine.orphans import end_orphans
from strongroom.errors import StrongroomError
from strongroom.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    checkout = tmp_path / "clone"
    checkout.mkdir()
    return Home(root=tmp_path / "home", checkout=checkout)


# Locks.


def lock(
    home: Home,
    pid: int,
    *,
    host: str | None = None,
    since: datetime | None = None,
    stack: str = "local",
) -> Path:
    folder = home.engine / "state" / ".pulumi" / "locks" / "organization" / "strongroom" / stack
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{pid}-{len(list(folder.iterdir()))}.json"
    moment = (since or datetime.now(UTC)).isoformat().replace("+00:00", "123Z")
    content = {"pid": pid, "username": "ada", "hostname": host or socket.gethostname()}
    path.write_text(json.dumps({**content, "timestamp": moment}))
    return path


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_killed_engine_is_removed_and_told_of(home: Home) -> None:
    path = lock(home, dead_process())
    (removed,) = clear_stale(home, "strongroom")
    assert removed.path == path
    assert "ada" in str(removed)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["1.json.18a3f.tmp", "1.json.attrs", "1.json"])
def test_what_a_killed_engine_did_not_finish_writing_is_no_lock_and_goes(
    home: Home, name: str
) -> None:
    held = lock(home, os.getpid())
    debris = held.with_name(name)
    debris.touch()
    assert [found.path for found in locks(home, "strongroom")] == [held]
    a_minute_ago = debris.stat().st_mtime - 60
    os.utime(debris, (a_minute_ago, a_minute_ago))
    assert clear_stale(home, "strongroom") == []
    assert list(held.parent.iterdir()) == [held]


def test_a_lock_that_is_being_written_is_left_to_its_writer(home: Home) -> None:
    draft = lock(home, os.getpid()).with_name("1.json.18a3f.tmp")
    draft.touch()
    clear_stale(home, "strongroom")
    assert draft.exists()


def test_a_process_that_only_has_the_number_of_a_killed_engine_holds_nothing(home: Home) -> None:
    started = datetime.fromtimestamp(psutil.Process().create_time(), UTC)
    path = lock(home, os.getpid(), since=started - timedelta(minutes=1))
    assert [found.path for found in clear_stale(home, "strongroom")] == [path]


def test_the_lock_of_an_engine_at_work_stays_and_stops_a_second_one(home: Home) -> None:
    path = lock(home, os.getpid())
    assert clear_stale(home, "strongroom") == []
    with pytest.raises(StrongroomError, match=f"process {os.getpid()} of ada on .*, since 20"):
        refuse_if_locked(home, "strongroom")
    assert path.exists()


def test_the_lock_of_another_host_is_never_judged_from_here(home: Home) -> None:
    lock(home, dead_process(), host="elsewhere.example")
    assert clear_stale(home, "strongroom") == []
    with pytest.raises(StrongroomError, match=r"on elsewhere\.example"):
        refuse_if_locked(home, "strongroom")


def test_locks_of_other_stacks_are_left_alone(home: Home) -> None:
    other = lock(home, dead_process(), stack="production")
    assert clear_stale(home, "strongroom") == []
    assert locks(home, "strongroom") == []
    refuse_if_locked(home, "strongroom")
    assert other.exists()


# Processes a killed engine leaves.


def waiting_program(checkout: Path, engine_port: int, name: str) -> subprocess.Popen[bytes]:
    script = checkout / name
    script.write_text("import time; time.sleep(60)")
    command = [sys.executable, str(script)]
    if name.endswith("-exec"):
        command += ["--monitor", "127.0.0.1:1", "--engine"]
    return subprocess.Popen([*command, f"127.0.0.1:{engine_port}"], cwd=checkout)


@pytest.mark.parametrize("name", ["pulumi-language-python", "pulumi-language-python-exec"])
def test_only_programs_of_this_checkout_whose_engine_is_gone_are_ended(
    home: Home, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "another clone"
    elsewhere.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as engine, socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        living_port, dead_port = engine.getsockname()[1], gone.getsockname()[1]
        orphan = waiting_program(home.checkout, dead_port, name)
        others = [
            waiting_program(home.checkout, living_port, name),
            waiting_program(elsewhere, dead_port, name),
        ]
        try:
            assert end_orphans(home.checkout) == [orphan.pid]
            assert not psutil.pid_exists(orphan.pid)
            assert [other.poll() for other in others] == [None, None]
        finally:
            for process in (orphan, *others):
                process.kill()
                process.wait()
