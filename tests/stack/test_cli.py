"""The command line on a stack that is up, from any folder inside the project."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import end_server
from tests.stack.project import Project, Run

pytestmark = pytest.mark.stack

STRONGROOM = str(Path(sys.executable).with_name("strongroom"))


def strongroom(project: Project, *arguments: str) -> Run:
    """Run the command as a user would, from a folder below the project's."""
    done = subprocess.run(
        [STRONGROOM, *arguments],
        cwd=project.checkout / "stacks",
        env={**project.environment, "PGHOST": "production.example", "PGPASSWORD": "of somebody"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return Run(done.returncode, done.stdout)


@pytest.fixture(autouse=True, scope="module")
def _a_table(standing: Project) -> None:
    made = strongroom(
        standing,
        *("connect", "ada", "--write", "--", "-c", "set role app_owner"),
        *("-c", "create table app.orders (id int)", "-c", "insert into app.orders values (1)"),
    )
    assert made.code == 0, made.output


def test_a_junior_may_read_and_not_delete(standing: Project) -> None:
    assert strongroom(standing, "connect", "esra", "--", "-c", "table orders").code == 0
    refused = strongroom(standing, "connect", "esra", "--", "psql", "-c", "delete from app.orders")
    assert refused.code == 1
    assert "permission denied for table orders" in refused.output


def test_a_senior_may_delete_when_asked_to_write(standing: Project) -> None:
    delete = ("--", "psql", "-c", "delete from app.orders")
    refused = strongroom(standing, "connect", "bram", *delete)
    assert refused.code == 1
    assert "cannot execute DELETE in a read-only transaction" in refused.output
    done = strongroom(standing, "connect", "bram", "--write", *delete)
    assert (done.code, done.output.strip()) == (0, "DELETE 1")


@pytest.mark.parametrize("person", ["ada", "bram", "chiara", "dmitri", "esra", "web", "migrator"])
def test_nobody_can_drop_the_database(standing: Project, person: str) -> None:
    drop = ("--", "-d", "app", "-c", "drop database app")
    refused = strongroom(standing, "connect", person, "--write", *drop)
    assert refused.code == 1
    assert "must be owner of database app" in refused.output


def test_a_guarded_table_is_dropped_only_by_name(standing: Project) -> None:
    drop = ("-c", "set role app_owner", "-c", "drop table app.orders")
    refused = strongroom(standing, "connect", "ada", "--write", "--", *drop)
    assert "Strongroom stopped this DROP TABLE: it would lose app.orders" in refused.output
    assert "SET strongroom.confirm = 'drop table app.orders'" in refused.output


def test_the_printed_environment_signs_in(standing: Project) -> None:
    lines = strongroom(standing, "connect", "dmitri", "--print-env").output.splitlines()
    variables = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    psql = standing.folder.primary.package.tool("psql")
    done = subprocess.run(
        [psql, "-Atc", "select current_user"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "dmitri"


def test_somebody_who_is_not_in_the_roster_is_told_so_in_one_paragraph(standing: Project) -> None:
    refused = strongroom(standing, "connect", "chiarra")
    assert refused.code == 1
    assert "Did you mean chiara?" in refused.output
    assert len(refused.output.strip().splitlines()) == 1


def test_status_tells_servers_lag_and_the_roster_by_tier(standing: Project) -> None:
    report = json.loads(strongroom(standing, "status", "--json").output)
    assert [(each["name"], each["problem"]) for each in report["servers"]] == [
        ("primary", None),
        ("replica", None),
    ]
    assert report["servers"][1]["lag_bytes"] is not None
    assert report["engineers"]["senior"] == ["ada", "bram"]
    assert report["root_password_age_days"] == 0
    shown = strongroom(standing, "status").output
    assert "senior" in shown
    assert "\x1b[" not in shown, "a pipe gets plain text"


def test_status_says_with_its_exit_code_that_a_server_is_stopped(standing: Project) -> None:
    end_server(standing.folder.path / "replica")
    found = strongroom(standing, "status")
    assert found.code == 3
    assert "stopped" in found.output
    standing.up()
    assert strongroom(standing, "status").code == 0


def test_outside_a_project_it_says_where_to_go(strongroom_home: Path) -> None:
    done = subprocess.run(
        [STRONGROOM, "status"], cwd=strongroom_home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "not inside a Strongroom project" in done.stderr
    assert "Traceback" not in done.stderr
