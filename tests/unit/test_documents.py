"""Any file a person can write is read in bounded time, or refused with its line."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from strongroom.errors import SettingsError
from strongroom.reading import documents
from strongroom.reading.documents import LARGEST_FILE
from strongroom.roster import Roster

DATA = Path(__file__).parent / "data"

TEAM = """\
environments: [local]
schemas: [app]
engineers:
  ada: {name: Ada, tier: senior}
  linus: {name: Linus, tier: junior}
"""


def problems_of(text: str) -> list[str]:
    """What is wrong with a roster, a sentence or two each."""
    with pytest.raises(SettingsError) as caught:
        Roster.parse(text, "team.yaml")
    return caught.value.problems


def test_the_report_is_the_same_without_the_c_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DATA / "every_mistake.yaml").read_text(encoding="utf-8")
    fast = problems_of(text)
    monkeypatch.setattr(documents, "_LOADER", yaml.SafeLoader)
    assert problems_of(text) == fast


def test_control_characters_reach_no_terminal() -> None:
    report = "".join(problems_of(TEAM + r'  "\e[31mmia": {name: "\e[0mM", tier: "\a"}'))
    assert "\x1b" not in report
    assert "\a" not in report


def test_a_syntax_error_names_its_line() -> None:
    (problem,) = problems_of(TEAM + "\tnot: yaml\n")
    assert problem.startswith("team.yaml:6: this is not YAML")


def test_mistakes_before_a_syntax_error_are_still_told() -> None:
    problems = problems_of("a: 1\na: 2\nb: [\n")
    assert len(problems) == 2
    assert "written already on line 1" in problems[0]


@pytest.mark.parametrize("character", ["\0", "\x07", "\ud800"])
def test_a_character_that_yaml_forbids_is_named(character: str) -> None:
    (problem,) = problems_of(f"{TEAM}# {character}\n")
    assert "Remove it" in problem


def test_aliases_are_refused_and_never_multiplied() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghi")
    )
    started = time.perf_counter()
    problems = problems_of(bomb)
    assert time.perf_counter() - started < 1
    assert sum("the alias *" in problem for problem in problems) == 72


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? "])
def test_endless_nesting_is_refused_at_once(opening: str) -> None:
    started = time.perf_counter()
    (problem,) = problems_of(opening * (LARGEST_FILE // 4))
    assert "levels deep" in problem
    assert time.perf_counter() - started < 2


def test_a_report_stays_readable_when_everything_is_wrong() -> None:
    problems = problems_of("".join(f"key{number}: x\n" for number in range(1500)))
    assert len(problems) == 1001
    assert problems[-1] == "and 503 more"


def test_a_file_that_is_missing_a_folder_or_a_pipe_is_refused_without_waiting(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, said in [
        ("gone.yaml", "No such file"),
        ("", "not a regular"),
        ("pipe.yaml", "not a"),
    ]:
        with pytest.raises(SettingsError, match=said):
            Roster.load(tmp_path / name)


def test_a_file_over_1_mib_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "engineers.yaml"
    file.write_text(TEAM + "#" * LARGEST_FILE)
    with pytest.raises(SettingsError, match="larger than 1 MiB"):
        Roster.load(file)


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "engineers.yaml"
    file.write_bytes(TEAM.replace("Linus", "Lin\xfcs").encode("latin-1"))
    with pytest.raises(SettingsError, match=r"engineers\.yaml:5: the byte 0xfc is not UTF-8"):
        Roster.load(file)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "engineers.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + TEAM.replace("\n", "\r\n").encode())
    assert Roster.load(file) == Roster.parse(TEAM, "team.yaml")
