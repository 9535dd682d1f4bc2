"""What all tests share: a Strongroom home of their own, away from the user's."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError


@pytest.fixture(scope="session")
def strongroom_home() -> Iterator[Path]:
    """A STRONGROOM_HOME for this process, short enough for sockets, open to any system user.

    Whatever runs in it when the tests end is stopped, and all of it is removed.
    """
    home = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
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


def end_server(directory: Path) -> None:
    """End the server of the cluster in `directory` without mercy, and nobody else's."""
    with suppress(StrongroomError, psutil.NoSuchProcess):
        process = Cluster.at(directory).process()
        if process is not None:
            kill([process, *process.children(recursive=True)])


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes and wait until they are dead, if not buried: init may take its time."""
    family = list(processes)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + 10
    while any(map(_lives, family)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
