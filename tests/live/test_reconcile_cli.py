"""`strongroom reconcile` as a process: the exit codes, the report as a file and as JSON."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.cli_project import ProjectStack, standing_project

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    with standing_project(strongroom_home) as made:
        with made.root() as root:
            root.execute("CREATE SCHEMA app")
            root.execute("CREATE TABLE app.orders AS SELECT generate_series(1, 3) AS id")
        (made.checkout / "checks").mkdir()
        yield made


def test_nothing_to_look_at_is_said_and_exits_with_0(project: ProjectStack) -> None:
    done = project.strongroom("reconcile")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There is nothing to look at." in done.stdout
    assert "No destructive event is found" in done.stdout


def test_what_a_check_of_the_team_finds_exits_with_3_and_is_written_for_its_reader_only(
    project: ProjectStack, tmp_path: Path
) -> None:
    check = project.checkout / "checks" / "large.sql"
    check.write_text("-- Orders that are large.\nSELECT id FROM app.orders WHERE id > 2\n")
    report = tmp_path / "report.md"
    done = project.strongroom("reconcile", "--json", "--output", str(report))
    check.unlink()
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert told["clean"] is False
    assert [each["rows"] for each in told["checks"] if each["name"] == "large.sql"] == [
        [{"id": "3"}]
    ]
    assert "| large.sql | **look** | 1 | Orders that are large. |" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


def test_on_a_terminal_it_is_laid_out(project: ProjectStack) -> None:
    with project.terminal("reconcile") as terminal:
        terminal.wait_for("What to look at in app")
        assert terminal.wait() == 0
        assert " foreign keys  clean " in terminal.seen


@pytest.mark.parametrize("arguments", [("--to", "yesterday"), ("--to", "end"), ("--last", "61")])
def test_a_wrong_command_line_exits_with_2(
    project: ProjectStack, arguments: tuple[str, ...]
) -> None:
    refused = project.strongroom("reconcile", *arguments)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_a_file_that_cannot_be_written_is_told_in_a_paragraph(project: ProjectStack) -> None:
    failed = project.strongroom("reconcile", "--output", "/nowhere/report.md")
    assert failed.returncode == 1
    assert "could not be written" in failed.stderr
    assert "Traceback" not in failed.stderr
