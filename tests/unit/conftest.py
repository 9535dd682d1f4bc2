"""Machines and mirrors for tests of toolchain/*.sh."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.toolchain_machine import Machine
from tests.unit.toolchain_mirror import Mirror


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    serving = Mirror(tmp_path / "releases")
    thread = threading.Thread(target=serving.server.serve_forever)
    thread.start()
    yield serving
    serving.server.shutdown()
    thread.join()
    serving.server.server_close()
