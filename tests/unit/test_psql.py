"""What psql is started with, without a server."""

import os
import pty
import termios

import pytest

from strongroom.cli import root
from strongroom.cluster import psql


def test_options_are_escaped_as_the_server_splits_them() -> None:
    given = {"statement_timeout": "1000", "search_path": "a b\\c, d"}
    assert psql.options(given) == "-c statement_timeout=1000 -c search_path=a\\ b\\\\c,\\ d"


@pytest.mark.parametrize(
    ("environment", "color"),
    [
        ("production", "1;97;41"),
        ("Prod-eu", "1;97;41"),
        ("staging", "30;43"),
        ("local", "30;42"),
        ("reproduction", "30;42"),
    ],
)
def test_the_prompt_has_the_color_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: str, color: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert psql.prompt(environment).startswith(f"%[%033[{color}m%][{environment}]%[%033[0m%]")


def test_the_prompt_is_plain_where_no_color_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert psql.prompt("production", "ROOT", alarm=True) == "[production ROOT] %n@%/%R%x%# "


@pytest.mark.parametrize(
    ("command", "interactive"),
    [
        (["psql"], True),
        (["/usr/bin/psql", "-X", "app"], True),
        (["psql", "-Atc", "select 1"], False),
        (["psql", "--command=select 1"], False),
        (["psql", "-f", "script.sql"], False),
        (["psql", "-l"], False),
        (["pg_dump"], False),
    ],
)
def test_an_interactive_psql_is_told_from_others(command: list[str], interactive: bool) -> None:
    assert psql.is_interactive(command) is interactive


def test_a_terminal_that_psql_left_without_echo_gets_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        before = termios.tcgetattr(terminal)
        with root._terminal_kept():
            silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
            termios.tcsetattr(terminal, termios.TCSANOW, silent)
        assert termios.tcgetattr(terminal) == before
    os.close(ours)
