"""The smallest stack on AWS is rehearsed whole: the real engine, the real provider, no account."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.beside import MARK, STACK, Beside, ended, plugin_at_hand

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def rehearsed() -> Iterator[Path]:
    """The folder of a rehearsal: the one that runs beside the tests, or one of its own."""
    if MARK in os.environ:
        yield Path(os.environ[MARK])
        return
    plugin = plugin_at_hand()
    if not plugin:
        pytest.skip("the aws plugin was not built yet: STRONGROOM_REHEARSE=1, or `make rehearse`")
    assert shutil.which("pulumi"), "no pulumi on PATH: run `make test`"
    rehearsal = Beside.start(plugin)
    yield rehearsal.folder
    rehearsal.end()
    shutil.rmtree(rehearsal.folder)


def test_a_stack_goes_through_its_whole_life(rehearsed: Path) -> None:
    output = ended(rehearsed)
    result = json.loads((rehearsed / f"rehearsal-{STACK}.json").read_text())
    assert result["wrong"] == [], output
    assert result["steps"][-1]["title"] == "destroy"
    assert len(result["stored"]) > 100
    assert f"Rehearsal of {STACK}" in (rehearsed / f"rehearsal-{STACK}.html").read_text()
