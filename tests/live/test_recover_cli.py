"""`strongroom recover` as a process: the plan, the question, the exit codes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.vault import Vault
from tests.conftest import end_server
from tests.live.cli_project import ProjectStack
from tests.live.local_stack import SMALL
from tests.live.recover_scene import databases

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    """A project whose declaration is what runs, with a vault that holds a snapshot."""
    made = ProjectStack(strongroom_home)
    settings = made.checkout / "stacks" / "Pulumi.local.yaml"
    settings.write_text(settings.read_text() + f"  strongroom:server: {json.dumps(SMALL)}\n")
    vault = made.folder / "vault"
    made.make(vault=str(vault))
    with made.root() as root:
        root.execute("CREATE SCHEMA app")
        root.execute("CREATE TABLE app.orders AS SELECT generate_series(1, 100) AS id")
    snapshots.take(Vault(vault, made.cluster.user), made.cluster, full=True)
    with made.root() as root:
        root.execute("INSERT INTO app.orders VALUES (101)")
    yield made
    for facts in made.folder.rglob("cluster.json"):
        end_server(facts.parent)
    shutil.rmtree(made.folder.parent, ignore_errors=True)
    shutil.rmtree(made.checkout, ignore_errors=True)


def _drop(project: ProjectStack) -> None:
    with project.root("postgres") as root:
        root.execute("DROP DATABASE app WITH (FORCE)")


def _orders(project: ProjectStack) -> int:
    with project.root() as root:
        row = root.execute("SELECT count(*) FROM app.orders").fetchone()
    return row[0] if row else 0


def test_the_latest_event_is_undone_without_a_word_about_where_it_was(
    project: ProjectStack,
) -> None:
    _drop(project)
    shown = project.strongroom("recover", "--plan")
    assert shown.returncode == 0, shown.stderr
    assert "database dropped: app" in shown.stdout
    assert "migrate: the primary runs" in shown.stdout
    assert "app" not in databases(project)

    done = project.strongroom("recover", "--yes")
    assert done.returncode == 0, done.stderr
    assert "8/8 removing the copy" in done.stderr
    assert "serves again after" in done.stderr
    assert _orders(project) == 101
    assert project.primary.refresh() == []

    again = project.strongroom("recover", "--yes")
    assert again.returncode == 1
    assert "was undone: the database is there" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_swap_is_asked_for_and_told_as_json(project: ProjectStack) -> None:
    _drop(project)
    planned = project.strongroom("recover", "--json", "--way", "swap")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["plan"]["way"] == "swap"
    assert "app" not in databases(project)
    done = project.strongroom("recover", "--json", "--yes", "--way", "swap")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)["outcome"]
    assert outcome["seconds"] > 0
    assert "kept whole in" in outcome["remarks"][0]
    assert _orders(project) == 101
    assert project.primary.refresh() == []


def test_nothing_is_done_without_a_yes(project: ProjectStack) -> None:
    _drop(project)
    before = sorted(path.name for path in project.folder.iterdir())
    unasked = project.strongroom("recover")
    assert unasked.returncode == 2
    assert "nobody to confirm the plan" in unasked.stderr
    with project.terminal("recover") as terminal:
        terminal.wait_for("Do this? [y/N]")
        terminal.type("n")
        assert terminal.wait() == 1
    assert "app" not in databases(project)
    assert sorted(path.name for path in project.folder.iterdir()) == before
    with project.terminal("recover") as terminal:
        terminal.wait_for("Do this? [y/N]")
        terminal.type("y")
        terminal.wait_for("serves again after", seconds=60)
        assert terminal.wait() == 0
    assert _orders(project) == 101


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "yesterday"), "names no point to go back to"),
        (("--to", "0/1", "--table", "orders"), "which is no table with its schema"),
        (("--way", "sideways"), "Invalid value"),
    ],
)
def test_a_wrong_command_line_changes_nothing(
    project: ProjectStack, arguments: tuple[str, ...], words: str
) -> None:
    refused = project.strongroom("recover", "--yes", *arguments)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert _orders(project) == 101


def test_an_unfinished_one_goes_on_and_takes_no_other_wish(project: ProjectStack) -> None:
    _drop(project)
    blocked = project.folder / "recovered"
    blocked.write_text("in the way")
    failed = project.strongroom("recover", "--yes")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    other = project.strongroom("recover", "--yes", "--to", "0/3000000")
    assert other.returncode == 1
    assert "is not finished" in other.stderr
    blocked.unlink()
    done = project.strongroom("recover", "--yes")
    assert done.returncode == 0, done.stderr
    assert "An unfinished recovery goes on" in done.stdout
    assert _orders(project) == 101


def test_an_unfinished_one_is_given_up_on_demand(project: ProjectStack) -> None:
    _drop(project)
    blocked = project.folder / "recovered"
    blocked.write_text("in the way")
    assert project.strongroom("recover", "--yes").returncode == 1
    blocked.unlink()
    assert project.strongroom("recover", "--abandon").returncode == 0
    assert not (project.folder / "recovery.json").exists()
    nothing = project.strongroom("recover", "--abandon")
    assert "There was no unfinished recovery." in nothing.stderr


def test_nothing_to_undo_is_said(project: ProjectStack) -> None:
    refused = project.strongroom("recover", "--yes")
    assert refused.returncode == 1
    assert "No destructive event is found" in refused.stderr


def test_a_stopped_primary_is_recovered_by_a_swap(project: ProjectStack) -> None:
    _drop(project)
    end_server(project.folder / "primary")
    done = project.strongroom("recover", "--yes")
    assert done.returncode == 0, done.stderr
    assert "the primary does not run" in done.stdout
    assert Cluster.at(project.folder / "primary").running()
    assert _orders(project) == 101
