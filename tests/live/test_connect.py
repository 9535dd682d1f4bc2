"""`strongroom connect`: where one is, and nothing changed by mistake."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.cli_project import ProjectStack, standing_project
from tests.live.local_stack import apply_model

pytestmark = pytest.mark.live

_SHOW = (
    "-At",
    *("-c", "show default_transaction_read_only"),
    *("-c", "show statement_timeout"),
    *("-c", "show idle_in_transaction_session_timeout"),
)


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    with standing_project(strongroom_home) as made:
        apply_model(made)
        yield made


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        ("ada", ["on", "15min", "77s"]),
        ("chiara", ["on", "123s", "77s"]),
        ("esra", ["off", "1min", "77s"]),
        ("web", ["on", "0", "0"]),
        ("migrator", ["on", "0", "0"]),
    ],
)
def test_a_session_of_whoever_can_write_is_read_only_with_the_timeouts_of_the_tier(
    project: ProjectStack, person: str, shown: list[str]
) -> None:
    assert project.strongroom("connect", person, "--", *_SHOW).stdout.split() == shown


@pytest.mark.parametrize("person", ["ada", "chiara", "web"])
def test_write_makes_a_session_that_can_write_and_keeps_the_timeouts(
    project: ProjectStack, person: str
) -> None:
    done = project.strongroom("connect", person, "--write", "--", *_SHOW)
    read_only = project.strongroom("connect", person, "--", *_SHOW)
    assert done.stdout.split() == ["off", *read_only.stdout.split()[1:]]
    assert done.stderr == ""


def test_a_delete_without_write_is_refused_by_postgresql_and_changes_nothing(
    project: ProjectStack,
) -> None:
    delete = ("--", "-c", "delete from app.before where id = 1")
    refused = project.strongroom("connect", "ada", *delete)
    assert refused.returncode == 1
    assert "cannot execute DELETE in a read-only transaction" in refused.stderr
    done = project.strongroom("connect", "ada", "--write", *delete)
    assert (done.returncode, done.stdout.strip()) == (0, "DELETE 1")


def test_other_programs_than_psql_are_read_only_too(project: ProjectStack) -> None:
    query = "show default_transaction_read_only"
    program = f"import psycopg; print(*psycopg.connect().execute({query!r}).fetchone())"
    done = project.strongroom("connect", "chiara", "--", sys.executable, "-c", program)
    assert done.stdout.strip() == "on", done.stderr


def test_write_for_a_junior_says_that_the_tier_reads_only_and_goes_on(
    project: ProjectStack,
) -> None:
    done = project.strongroom("connect", "esra", "--write", "--", "-Atc", "select 'here'")
    assert (done.returncode, done.stdout.strip()) == (0, "here")
    said = "--write changes nothing: esra is read-only because the tier junior only reads in local."
    assert done.stderr.strip() == said


def test_the_printed_environment_is_read_only_and_says_how_to_write(project: ProjectStack) -> None:
    psql = project.cluster.package.tool("psql")
    printed = project.strongroom("connect", "chiara", "--print-env")
    assert printed.stdout.splitlines()[-1] == "# read-only; --write for changes"
    script = f'eval "$1"; {shlex.quote(str(psql))} "$2" "$3" "$4" "$5" "$6" "$7" "$8"'
    shell = ["sh", "-ec", script, "sh", printed.stdout, *_SHOW]
    done = subprocess.run(
        shell, env=project.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["on", "123s", "77s"]
    writing = project.strongroom("connect", "chiara", "--write", "--print-env").stdout
    assert "read_only" not in writing
    assert "#" not in writing


def test_settings_of_a_shell_that_is_set_up_for_another_server_do_not_count(
    project: ProjectStack,
) -> None:
    shell = {"PGOPTIONS": "-c default_transaction_read_only=off", "PGHOST": "production.example"}
    assert project.strongroom("connect", "ada", "--", *_SHOW, **shell).stdout.split()[0] == "on"


def test_the_prompt_names_the_environment_and_says_read_only(project: ProjectStack) -> None:
    with project.terminal("connect", "chiara") as terminal:
        terminal.wait_for("[local READ ONLY] chiara@app=> ")
        assert "read-only; --write for changes" in terminal.seen
        assert terminal.end() == 0
    with project.terminal("connect", "chiara", "--write") as terminal:
        terminal.wait_for("[local] chiara@app=> ")
        assert "--write for changes" not in terminal.seen
        terminal.type("select")
        terminal.wait_for("[local] chiara@app-> ")
        terminal.type("1;")
        assert terminal.end() == 0


def test_the_prompt_of_production_is_red(project: ProjectStack) -> None:
    with project.terminal("connect", "chiara", "-s", "production", NO_COLOR="") as terminal:
        terminal.wait_for("\x1b[1;97;41m[production READ ONLY]\x1b[0m chiara@app=> ")


_HIDING = r"\set PROMPT1 'hidden '"


@pytest.mark.parametrize(
    "theirs",
    [
        f"{_HIDING}\n",
        f"\\set ON_ERROR_STOP on\nselect 1/0;\n{_HIDING}\n",
        f"{_HIDING}\n\\if true\n",
        f"{_HIDING}\nselect 'never closed\n",
    ],
    ids=["sets a prompt", "stops at an error", "leaves an if open", "leaves a quote open"],
)
def test_a_users_own_psqlrc_is_read_and_cannot_hide_the_prompt(
    project: ProjectStack, tmp_path: Path, theirs: str
) -> None:
    (tmp_path / ".psqlrc").write_text(f"\\set mine 'was read'\n{theirs}")
    with project.terminal("connect", "chiara", HOME=str(tmp_path)) as terminal:
        terminal.wait_for("[local READ ONLY] chiara@app=> ")
        terminal.type("\\echo :mine")
        terminal.wait_for("was read")
        assert "hidden" not in terminal.seen


@pytest.mark.parametrize("name", ["psqlrc", "it's a \\ psqlrc", "versioned"])
def test_a_psqlrc_named_by_the_user_is_read_whatever_it_is_called(
    project: ProjectStack, tmp_path: Path, name: str
) -> None:
    file = tmp_path / (f"versioned-{project.cluster.package.major}" if "ver" in name else name)
    file.write_text("\\set mine 'was read'\n")
    (tmp_path / ".psqlrc").write_text("\\set mine 'of another file'\n")
    named = {"PSQLRC": str(tmp_path / name), "HOME": str(tmp_path)}
    done = project.strongroom("connect", "chiara", given="\\echo :mine\n", **named)
    assert done.stdout.strip() == "was read", done.stderr


def test_the_prompt_is_there_without_any_psqlrc(project: ProjectStack) -> None:
    with project.terminal("connect", "chiara", "--", "-X") as terminal:
        terminal.wait_for("[local READ ONLY] chiara@app=> ")


def test_what_is_written_for_psql_opens_to_the_user_only(project: ProjectStack) -> None:
    done = project.strongroom("connect", "chiara", given="\\! echo $PSQLRC\n")
    file = Path(done.stdout.strip())
    assert file.read_text().startswith("\\set PROMPT1 ")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.stat().st_uid == os.geteuid()
