"""What all tests share: a Strongroom home of their own, away from the user's."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from tests.rehearsal import beside


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the rehearsal with the first of all tests: it takes minutes, and mostly waits."""
    config = session.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    first = not hasattr(config, "workerinput")
    if not (whole and first and shutil.which("pulumi")) or config.option.collectonly:
        return
    if plugin := beside.plugin_at_hand():
        config.stash[_REHEARSAL] = running = beside.Beside.start(plugin)
        os.environ[beside.MARK] = str(running.folder)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the rehearsal if it still runs."""
    if running := session.config.stash.get(_REHEARSAL, None):
        running.end()
        shutil.rmtree(running.folder, ignore_errors=True)


_REHEARSAL = pytest.StashKey[beside.Beside]()


@pytest.fixture(scope="session")
def strongroom_home() -> Iterator[Path]:
    """A STRONGROOM_HOME for this process, short enough for sockets, open to any system user.

    Whatever runs in it when the tests end is stopped, and all of it is removed.
    """
    home = Path(tempfile.mkdtemp(prefix="sr-", dir=_quick()))
    home.chmod(0o755)
    before = os.environ.get("STRONGROOM_HOME")
    os.environ["STRONGROOM_HOME"] = str(home)
    yield home
    for facts in home.rglob("cluster.json"):
        end_server(facts.parent)
    if before is None:
        del os.environ["STRONGROOM_HOME"]
    else:
        os.environ["STRONGROOM_HOME"] = before
    shutil.rmtree(home, ignore_errors=True)


def _quick() -> str:
    """Memory, where a server can be run from it and there is room; the disk otherwise."""
    with suppress(OSError):
        memory = os.statvfs("/dev/shm")
        roomy = memory.f_bavail * memory.f_frsize > 4 * 1024**3
        if roomy and not memory.f_flag & os.ST_NOEXEC and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    return "/tmp"


def end_server(directory: Path) -> None:
    """End the server of the cluster in `directory` at once, and nobody else's.

    By an immediate shutdown: a server that is killed leaves its shared memory behind.
    """
    with suppress(StrongroomError, psutil.NoSuchProcess):
        process = Cluster.at(directory).process()
        if process is not None:
            family = [process, *process.children(recursive=True)]
            process.send_signal(signal.SIGQUIT)
            _wait(family, seconds=5)
            kill(family)


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes and wait until they are dead, if not buried: init may take its time."""
    family = list(processes)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(family, seconds=10)


def _wait(family: list[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_lives, family)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
