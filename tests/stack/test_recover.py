"""After a recovery the engine finds nothing to change: rights, replicas and state agree again."""

import subprocess
from typing import Any

import pytest

from tests.stack.project import Project, Run
from tests.stack.test_cli import STRONGROOM

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def _strongroom(project: Project, *arguments: str) -> Run:
    done = subprocess.run(
        [STRONGROOM, *arguments],
        cwd=project.checkout,
        env={**project.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=180,
    )
    return Run(done.returncode, done.stdout)


def _drop(project: Project) -> None:
    with project.root("postgres") as root:
        root.execute("DROP DATABASE app WITH (FORCE)")


def _count(project: Project, query: str) -> Any:
    with project.root() as root:
        row = root.execute(query.encode()).fetchone()
    return row[0] if row else None


@pytest.fixture(scope="module")
def filled(standing: Project) -> Project:
    """The standing project with a delayed replica, and a table that a senior made."""
    standing.edit_settings(lambda config: config.update({"strongroom:replicaDelaySeconds": "600"}))
    assert "+ 2 created" in standing.up().changes
    with standing.connect("ada") as ada:
        ada.execute("SET ROLE app_owner")
        ada.execute("CREATE TABLE app.orders AS SELECT generate_series(1, 1000) AS id")
    return standing


@pytest.mark.parametrize("way", ["migrate", "swap"])
def test_a_preview_with_refresh_is_quiet_after(filled: Project, way: str) -> None:
    _drop(filled)
    done = _strongroom(filled, "recover", "--yes", "--way", way)
    assert done.code == 0, done.output
    assert "copying replica delayed" in done.output
    assert _count(filled, "SELECT count(*) FROM app.orders") == 1000
    preview = filled.preview("--refresh")
    assert filled.is_quiet("--refresh"), preview.output
    with filled.connect("esra") as junior:
        assert junior.execute("SELECT count(*) FROM app.orders").fetchone() == (1000,)
    assert _strongroom(filled, "status").code == 0


def test_a_single_table_comes_back_and_the_preview_is_quiet(filled: Project) -> None:
    with filled.connect("ada") as ada:
        ada.execute("SET ROLE app_owner")
        ada.execute("SET strongroom.confirm = 'drop table app.orders'")
        ada.execute("DROP TABLE app.orders")
    done = _strongroom(filled, "recover", "--yes")
    assert done.code == 0, done.output
    assert "table dropped: app.orders" in done.output
    assert _count(filled, "SELECT count(*) FROM app.orders") == 1000
    preview = filled.preview("--refresh")
    assert filled.is_quiet("--refresh"), preview.output
