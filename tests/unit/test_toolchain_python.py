"""toolchain/python.sh: which Python is chosen, and when .venv is made anew."""

import shutil
from pathlib import Path

import pytest

from tests.unit.toolchain_machine import CHECKOUT, Machine

# Answers like an interpreter of the version in {here}/PYTHON; pip notes what it installs.
PYTHON = """#!/bin/sh
case "$*" in
    -c*) [ "$(cat "{here}/PYTHON")" != 3.10.1 ] || exit 1; cat "{here}/PYTHON" ;;
    --version) echo "Python $(cat "{here}/PYTHON")" ;;
    '-m venv'*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    '-m pip'*)
        shift 2; echo "$*" >>"{here}/pip"
        [ ! -e "{here}/FAIL" ] || {{ echo 'No matching distribution'; exit 1; }} ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, machine.root / "clone")
    (machine.root / "PYTHON").write_text("3.11.9\n")
    machine.install("python3.11", PYTHON.format(here=machine.root))
    return machine


def pip_calls(machine: Machine) -> int:
    noted = machine.root / "pip"
    return len(noted.read_text().splitlines()) if noted.exists() else 0


def test_what_is_installed_already_costs_nothing(clone: Machine) -> None:
    assert clone.run("python.sh")[0] == 0
    done = pip_calls(clone)
    assert done
    assert clone.run("python.sh") == (0, "", "")
    assert pip_calls(clone) == done


@pytest.mark.parametrize("change", ["requirements.txt", "pyproject.toml", "python", "place"])
def test_the_environment_is_made_anew_when_what_it_comes_from_changes(
    clone: Machine, change: str
) -> None:
    clone.run("python.sh")
    done = pip_calls(clone)
    if change == "python":
        (clone.root / "PYTHON").write_text("3.11.10\n")
    elif change == "place":
        (clone.root / "clone").rename(clone.root / "moved")
        clone.toolchain = clone.root / "moved" / "toolchain"
    else:
        with (clone.root / "clone" / change).open("a") as file:
            file.write("# changed\n")
    assert clone.run("python.sh")[0] == 0
    assert pip_calls(clone) == 2 * done


def test_an_installation_that_failed_is_told_and_done_again(clone: Machine) -> None:
    (clone.root / "FAIL").touch()
    code, _, err = clone.run("python.sh")
    assert code == 1
    assert "No matching distribution" in err
    assert "PIP_INDEX_URL" in err
    (clone.root / "FAIL").unlink()
    assert clone.run("python.sh")[0] == 0


def test_a_missing_python_is_one_paragraph_that_says_what_to_do(clone: Machine) -> None:
    (clone.bin / "python3.11").unlink()
    code, out, err = clone.run("python.sh")
    assert (code, out) == (1, "")
    (paragraph,) = err.strip().splitlines()
    for part in ("No Python 3.11 or newer", "Nothing was installed", "PYTHON=/path"):
        assert part in paragraph


def test_a_python_that_was_named_is_used_or_refused_with_its_version(clone: Machine) -> None:
    named = clone.install("mine", PYTHON.format(here=clone.root))
    assert clone.run("python.sh", PYTHON=str(named))[0] == 0
    (clone.root / "PYTHON").write_text("3.10.1")
    code, _, err = clone.run("python.sh", PYTHON=str(named))
    assert code == 1
    assert f"PYTHON={named} is Python 3.10.1, and this project needs Python 3.11" in err
