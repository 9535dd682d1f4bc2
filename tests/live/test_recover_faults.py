"""What goes wrong around a recovery: crashes, a machine that is switched off, two at once."""

import threading
import time

import psutil
import psycopg
import pytest

from strongroom.errors import StrongroomError
from strongroom.recovery import event
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Way
from strongroom.recovery.run import Run
from tests.conftest import kill
from tests.live.local_stack import LocalStack
from tests.live.recover_apart import NEVER, begun, killed, prepared, reboot
from tests.live.recover_scene import MIGRATE, SWAP, Quiet, Scene, Writer, databases, folder_names

pytestmark = [pytest.mark.live, pytest.mark.slow]


def _crash_within_the_drop(scene: Scene) -> None:
    """Kill the primary while DROP DATABASE waits for its checkpoint, with the mark on disk."""
    with scene.stack.root("postgres") as root:
        row = root.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        ).fetchone()
        assert row is not None
        psutil.Process(row[0]).suspend()

        def drop() -> None:
            with pytest.raises(psycopg.OperationalError):
                scene.drop_database()

        dropping = threading.Thread(target=drop)
        dropping.start()
        deadline = time.monotonic() + 20
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event LIKE 'Checkpoint%'"
        waits += " AND query LIKE 'DROP%'"
        while root.execute(waits.encode()).fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    server = scene.stack.cluster.process()
    assert server is not None
    kill([server, *server.children(recursive=True)])
    dropping.join()


def test_a_drop_that_a_crash_cut_off_is_named_and_undone(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    with Writer(scene) as writer:
        writer.wait_for(50)
        _crash_within_the_drop(scene)
    with pytest.raises(StrongroomError, match="The primary does not run, and a drop that was cut"):
        event.latest(scene.situation, scene.begun, "app")
    with pytest.raises(StrongroomError, match="is invalid, because dropping it was begun"):
        scene.stack.primary.up()
    found = scene.event()
    assert (found.kind, found.what, found.culprit and found.culprit.session.role) == (
        "database dropped",
        ("app",),
        "root",
    )
    assert any("cut off before it was done" in sentence for sentence in found.unknown)
    scene.recover(scene.plan(event.latest(scene.situation, scene.begun, "app")))
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert any(name.startswith("app_lost_") for name in databases(scene.stack))
    scene.sound()
    with pytest.raises(StrongroomError, match="No destructive event"):
        event.latest(scene.situation, scene.begun, "app")


@pytest.mark.parametrize("way", [SWAP, MIGRATE])
def test_a_machine_that_is_switched_off_in_every_step_loses_nothing(
    empty_stack: LocalStack, way: Way
) -> None:
    scene = Scene(empty_stack, delay=300 if way is SWAP else None)
    with Writer(scene) as writer:
        writer.wait_for(100)
        scene.drop_database()
    prepared(scene, scene.plan(way=way))
    steps: list[str] = []
    for step in range(1, 9):
        if not steps or Journal.at(scene.stack.paths) is not None:
            steps += killed(scene, step, 0.05)
            reboot(scene)
    if Journal.at(scene.stack.paths) is not None:
        steps += killed(scene, NEVER)
    assert {step.split("/")[0] for step in steps} == {str(number) for number in range(1, 9)}
    scene.stack.primary.up()
    if scene.replica is not None:
        scene.replica.up()
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert databases(scene.stack) == {"app", "other", "postgres", "template0", "template1"}
    assert "recovered" not in folder_names(scene.stack.folder)
    scene.sound()


def test_of_two_recoveries_at_once_one_is_done_and_once_only(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    plan, second = scene.plan(way=MIGRATE), scene.plan(way=MIGRATE)
    prepared(scene, plan)
    both = [begun(scene), begun(scene)]
    ended = [process.communicate(timeout=120)[1] for process in both]
    (refusal,) = (said for process, said in zip(both, ended, strict=True) if process.returncode)
    assert any(
        told in refusal for told in ("Another recovery", "Another process", "not finished")
    ), refusal
    # A third was planned before, and read by a person meanwhile.
    with pytest.raises(StrongroomError, match=r"ended at .* after this one was planned"):
        Run.begin(scene.situation, second, Quiet())
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert databases(scene.stack) == {"app", "other", "postgres", "template0", "template1"}
    scene.sound()


def test_of_two_databases_dropped_in_a_row_both_come_back_one_after_the_other(
    empty_stack: LocalStack,
) -> None:
    scene = Scene(empty_stack)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    with scene.stack.root("postgres") as root:
        root.execute("DROP DATABASE other")
    for name in ("other", "app"):
        target = event.latest(scene.situation, scene.begun, "app")
        assert target.database == name
        scene.recover(scene.plan(target, database=name))
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert scene.elsewhere() == ["before"]
    # Dropped once more right away: the latest is meant, and that is the one that is offered.
    scene.drop_database()
    again = event.latest(scene.situation, scene.begun, "app")
    scene.recover(scene.plan(again))
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    with pytest.raises(StrongroomError, match="was undone: the database is there") as refused:
        event.latest(scene.situation, scene.begun, "app")
    assert str(refused.value).count("`--to ") == 3


def test_a_replica_whose_slot_was_lost_is_recovered_with_wal_from_the_vault(
    empty_stack: LocalStack,
) -> None:
    scene = Scene(empty_stack, delay=300)
    assert scene.replica is not None
    with scene.stack.root() as root:
        root.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active"
        )
        for _ in range(200):
            try:
                root.execute("SELECT pg_drop_replication_slot('replica')")
                break
            except psycopg.errors.ObjectInUse:
                time.sleep(0.01)
        for _ in range(3):
            root.execute("SELECT pg_switch_wal()")
            root.execute("INSERT INTO app.orders (item) VALUES ('later')")
            root.execute("CHECKPOINT")
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    scene.recover(scene.plan(way=MIGRATE, source="replica"))
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert scene.count("SELECT count(*) FROM app.orders WHERE item = 'later'") == 3
