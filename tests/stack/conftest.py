"""Projects for tests of the real engine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.project import Project


@pytest.fixture(scope="session", autouse=True)
def engine() -> str:
    """The engine these tests run; `make test` puts it on PATH."""
    found = shutil.which("pulumi")
    assert found, 'no pulumi on PATH: run `make test`, or `eval "$(make -s env)"` and pytest'
    return found


@pytest.fixture(scope="module")
def standing(strongroom_home: Path) -> Iterator[Project]:
    """A project whose stack is up; tests of one module share it, each leaves it as it was."""
    project = Project.create(strongroom_home)
    project.up()
    yield project
    project.remove()


@pytest.fixture
def fresh(strongroom_home: Path) -> Iterator[Project]:
    """A project whose stack was never brought up."""
    project = Project.create(strongroom_home)
    yield project
    project.remove()
