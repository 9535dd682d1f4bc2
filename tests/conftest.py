"""What all tests share: a Strongroom home of their own, away from the user's."""

import os
import shutil
import tempfile
from collections.abc import Iterator
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
            family = [process, *process.children(recursive=True)]
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(family, timeout=10)
