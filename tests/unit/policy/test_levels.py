"""How strictly each environment is held to the rules."""

from pathlib import Path

import pytest

from policy.levels import Level, level_of
from strongroom.errors import StrongroomError


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ("production", Level.MANDATORY),
        ("staging", Level.MANDATORY),
        ("of tomorrow", Level.MANDATORY),
        ("development", Level.ADVISORY),
        ("local", Level.ADVISORY),
    ],
)
def test_what_nobody_named_is_held_as_production_is(environment: str, level: Level) -> None:
    assert level_of(environment) is level


def test_production_is_never_let_go(tmp_path: Path) -> None:
    path = tmp_path / "levels.yaml"
    path.write_text("production: mandatory\n")
    assert level_of("production", path) is Level.MANDATORY
    path.write_text("production: advisory\n")
    for environment in ("production", "local"):
        with pytest.raises(StrongroomError, match="production is always held"):
            level_of(environment, path)


@pytest.mark.parametrize("text", ["local: lax", "[local]", "local", ": :", None])
def test_a_file_that_says_nothing_useful_stops_everything(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "levels.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StrongroomError, match="nothing was done"):
        level_of("production", path)


def test_an_empty_file_holds_everything_in_full(tmp_path: Path) -> None:
    path = tmp_path / "levels.yaml"
    path.touch()
    assert level_of("local", path) is Level.MANDATORY
