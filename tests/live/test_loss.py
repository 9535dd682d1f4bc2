"""Nothing is ever lost in silence: what has vanished is told and never replaced by an empty one."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live


@pytest.fixture
def holding(own_stack: LocalStack) -> LocalStack:
    """The module's primary with a row in its database."""
    if own_stack.primary.refresh():
        own_stack.primary.up()
    with own_stack.root() as root:
        root.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        root.execute("TRUNCATE kept")
        root.execute("INSERT INTO kept VALUES (1)")
    return own_stack


def _databases(stack: LocalStack) -> set[str]:
    with stack.root("postgres") as root:
        return {name for (name,) in root.execute("SELECT datname FROM pg_database").fetchall()}


def _create_again(stack: LocalStack) -> None:
    """What happens when the engine has lost its state as well."""
    stack.primary.resource.create(stack.primary.context, stack.primary.checked())


@pytest.mark.parametrize("again", [lambda stack: stack.primary.up(), _create_again])
@pytest.mark.parametrize("how", ["renamed", "invalid"])
def test_a_database_that_vanished_is_told_by_read_and_refused_by_update_and_create(
    holding: LocalStack, how: str, again: Callable[[LocalStack], None]
) -> None:
    harm, remedy, sentence = {
        "renamed": (
            "ALTER DATABASE app RENAME TO gone",
            "ALTER DATABASE gone RENAME TO app",
            "database app is gone",
        ),
        # What an interrupted DROP DATABASE leaves behind.
        "invalid": (
            "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'app'",
            "UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'app'",
            "database app is invalid, because dropping it was begun",
        ),
    }[how]
    with holding.root("postgres") as root:
        root.execute(harm.encode())
    try:
        before = _databases(holding)
        assert holding.primary.refresh() == [sentence]
        assert holding.primary.preview().updates == ("drift",)
        with pytest.raises(StrongroomError) as refused:
            again(holding)
        assert sentence in str(refused.value)
        assert "An empty one in its place would hide the loss" in str(refused.value)
        assert "the replica or a snapshot" in str(refused.value)
        assert _databases(holding) == before
    finally:
        with holding.root("postgres") as root:
            root.execute(remedy.encode())
    assert holding.primary.refresh() == []
    with holding.root() as root:
        assert root.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_a_dropped_database_stays_dropped_until_somebody_brings_it_back(
    holding: LocalStack,
) -> None:
    with holding.root("postgres") as root:
        root.execute("DROP DATABASE app WITH (FORCE)")
    with pytest.raises(StrongroomError, match="database app is gone"):
        holding.primary.up()
    assert "app" not in _databases(holding)
    with holding.root("postgres") as root:
        root.execute("CREATE DATABASE app TEMPLATE template0")
    # Whatever was brought back gets its owner, its guards and its seal again.
    assert holding.primary.up().updates == ("drift",)
    assert holding.primary.refresh() == []


@pytest.mark.parametrize("again", [lambda stack: stack.primary.up(), _create_again])
@pytest.mark.parametrize("harm", [shutil.rmtree, lambda data: (data / "PG_VERSION").unlink()])
def test_a_data_directory_that_vanished_is_told_and_never_made_anew(
    holding: LocalStack, harm: Callable[[Path], None], again: Callable[[LocalStack], None]
) -> None:
    holding.cluster.stop()
    copy = holding.folder / "copy"
    shutil.copytree(holding.data, copy)
    harm(holding.data)
    assert holding.primary.refresh() == [f"the data directory {holding.data} is gone"]
    with pytest.raises(StrongroomError) as refused:
        again(holding)
    assert "would hide the loss, so nothing was done" in str(refused.value)
    assert "pulumi state delete" in str(refused.value)
    assert not (holding.data / "PG_VERSION").exists()

    # Putting a copy back is all it takes.
    shutil.rmtree(holding.data, ignore_errors=True)
    copy.rename(holding.data)
    user = holding.cluster.user
    for path in (holding.data, *holding.data.rglob("*")):
        user.own(path)
    holding.primary.up()
    assert holding.primary.refresh() == []
    with holding.root() as root:
        assert root.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_a_data_directory_removed_under_the_running_server_is_told(
    empty_stack: LocalStack,
) -> None:
    empty_stack.make()
    process = empty_stack.cluster.process()
    assert process is not None
    shutil.rmtree(empty_stack.data)
    assert empty_stack.primary.refresh() == [f"the data directory {empty_stack.data} is gone"]
    with pytest.raises(StrongroomError, match="would hide the loss"):
        empty_stack.primary.up()
    process.send_signal(signal.SIGQUIT)


def test_a_deleted_primary_leaves_a_final_snapshot_that_starts_and_holds_every_row(
    empty_stack: LocalStack,
) -> None:
    empty_stack.make(deletion_protection=False)
    with empty_stack.root() as root:
        root.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
    empty_stack.primary.destroy()
    assert not (empty_stack.folder / "primary").exists()
    (kept,) = empty_stack.paths.final_snapshots.iterdir()
    assert any(f"final snapshot kept in {kept}" in told for told in empty_stack.primary.said)
    assert not Cluster.at(kept).running()

    kept.rename(empty_stack.folder / "primary")
    empty_stack.make(deletion_protection=False)
    with empty_stack.root() as root:
        assert root.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    assert empty_stack.primary.refresh() == []


def test_a_new_primary_after_a_deleted_one_is_empty_and_the_snapshot_stays(
    empty_stack: LocalStack,
) -> None:
    empty_stack.make(deletion_protection=False)
    with empty_stack.root() as root:
        root.execute("CREATE TABLE kept AS SELECT 1 AS id")
    empty_stack.primary.destroy()
    empty_stack.primary.destroy()  # a run killed just before its end is run again
    empty_stack.make(deletion_protection=False)
    with empty_stack.root() as root:
        assert root.execute("SELECT to_regclass('kept')").fetchone() == (None,)
    assert len(list(empty_stack.paths.final_snapshots.iterdir())) == 1


@pytest.mark.parametrize("missing", ["cluster.json", "data", "everything but the folder"])
def test_a_damaged_primary_can_still_be_deleted_and_what_is_left_is_kept(
    empty_stack: LocalStack, missing: str
) -> None:
    empty_stack.make(deletion_protection=False)
    folder = empty_stack.folder / "primary"
    if missing == "cluster.json":
        (folder / "cluster.json").unlink()
    else:
        empty_stack.cluster.stop()
        for path in folder.iterdir():
            if missing != "data" or path.name == "data":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    empty_stack.primary.destroy()
    assert not folder.exists()
    assert len(list(empty_stack.paths.final_snapshots.iterdir())) == 1


def test_deletion_protection_refuses_to_delete(holding: LocalStack) -> None:
    with pytest.raises(StrongroomError) as refused:
        holding.primary.destroy()
    assert "primary is not deleted: deletion protection is on" in str(refused.value)
    assert "set deletionProtection to false" in str(refused.value)
    assert holding.cluster.running()
    assert not holding.paths.final_snapshots.exists()


def test_another_database_whose_drop_was_cut_off_stops_no_up(own_stack: LocalStack) -> None:
    with own_stack.root("postgres") as root:
        root.execute("CREATE DATABASE half")
        root.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half'")
    own_stack.primary.up(mass_change_rows=1)
    assert own_stack.primary.refresh() == []
    own_stack.primary.up(mass_change_rows=0)
    with own_stack.root("postgres") as root:
        root.execute("DROP DATABASE half")
