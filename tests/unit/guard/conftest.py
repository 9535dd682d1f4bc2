"""A laptop for each test."""

from pathlib import Path

import pytest

from tests.unit.guard.surroundings import Laptop


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    here, home = tmp_path / "repository", tmp_path / "home"
    (here / ".git").mkdir(parents=True)
    home.mkdir()
    return Laptop(here, home)
