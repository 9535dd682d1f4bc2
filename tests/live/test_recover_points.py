"""Points and sources: by time, by LSN, to the end; sources that are broken or do not reach."""

import os
import shutil
import time
from datetime import UTC, datetime

import pytest

from strongroom.cluster import snapshots
from strongroom.cluster.vault import segment
from strongroom.errors import StrongroomError
from strongroom.recovery import event
from strongroom.recovery.abandoning import abandon
from strongroom.recovery.journal import Journal
from strongroom.recovery.target import Target
from tests.conftest import end_server
from tests.live.local_stack import LocalStack, is_root
from tests.live.recover_scene import MIGRATE, SWAP, Quiet, Scene, Writer, databases, folder_names

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def scene(empty_stack: LocalStack) -> Scene:
    return Scene(empty_stack)


def _archived(scene: Scene) -> str:
    """Have everything archived so far; returns where that was."""
    with scene.stack.root("postgres") as root:
        row = root.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        root.execute("SELECT pg_switch_wal()")
    assert row is not None
    archive = scene.vault.wal(scene.snapshot.system)
    deadline = time.monotonic() + 15
    while not (archive / segment(1, row[0])).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(row[0])


def test_a_time_keeps_what_was_committed_by_then_and_nothing_later(scene: Scene) -> None:
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (1, 'in time')")
        time.sleep(0.05)
        moment = datetime.now(UTC)
        time.sleep(0.05)
        root.execute("INSERT INTO app.journal VALUES (2, 'too late')")
    # No commit lies between that time and the drop's first steps, which need none.
    scene.recover(scene.plan(Target(time=moment), way=SWAP))
    assert scene.journal() == [1]
    scene.sound()


def test_a_time_just_before_a_drop_brings_the_database_back(scene: Scene) -> None:
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (1, 'kept')")
    time.sleep(0.05)
    moment = datetime.now(UTC)
    scene.drop_database()
    scene.recover(scene.plan(Target(time=moment), way=MIGRATE))
    assert scene.journal() == [1]


def test_a_time_without_commits_on_both_sides_is_refused(scene: Scene) -> None:
    for moment, side in (("2020-01-01", "at or before"), ("2999-01-01", "after")):
        with pytest.raises(StrongroomError, match=f"holds no commit {side}"):
            scene.plan(Target.parse(moment))


def test_a_point_behind_all_wal_is_refused(scene: Scene) -> None:
    with pytest.raises(StrongroomError, match="Nothing was written at or after 7/0"):
        scene.plan(Target.parse("7/0"))


def test_a_point_within_the_drop_is_told_and_given_up(scene: Scene) -> None:
    scene.drop_database()
    found = scene.event()
    assert found.commit_lsn
    before = databases(scene.stack)
    with pytest.raises(StrongroomError, match=r"the database app is (invalid|gone)"):
        scene.recover(scene.plan(Target.parse(found.commit_lsn), way=MIGRATE))
    assert databases(scene.stack) == before
    done = abandon(scene.situation)
    assert any("removed" in line for line in done)
    assert not folder_names(scene.stack.folder) & {"recovered", "recovery.json"}
    assert abandon(scene.situation) == []
    scene.recover(scene.plan(way=MIGRATE))
    scene.sound()


def test_a_lost_primary_is_recovered_to_the_end_from_the_replicas_wal(
    empty_stack: LocalStack,
) -> None:
    scene = Scene(empty_stack, delay=300)
    with Writer(scene) as writer:
        writer.wait_for(200)
        time.sleep(0.2)
    end_server(scene.stack.cluster.directory)
    shutil.rmtree(scene.stack.data)
    time.sleep(0.5)
    plan = scene.plan(Target())
    assert (plan.way, plan.target) == (SWAP, None)
    scene.recover(plan)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


def test_a_primary_whose_whole_folder_is_lost_comes_back_from_vault_alone(scene: Scene) -> None:
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (1, 'archived')")
    _archived(scene)
    declared = scene.declared
    end_server(scene.stack.cluster.directory)
    shutil.rmtree(scene.stack.cluster.directory)
    assert declared.primary.directory
    scene.recover(scene.plan(Target()))
    assert scene.journal() == [1]
    assert scene.stack.primary.refresh() == []


def test_a_snapshot_with_a_changed_byte_is_left_for_the_one_before(scene: Scene) -> None:
    spoilt = snapshots.take(scene.vault, scene.stack.cluster, full=True)
    files = (scene.vault.data(spoilt) / "base").rglob("*")
    file = max(files, key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    plan = scene.plan(way=MIGRATE)
    assert plan.source.name == spoilt.name
    progress = Quiet()
    scene.recover(plan, progress)
    assert f"Taking snapshot {scene.snapshot.name} instead." in progress.kept[0]
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged


def test_a_missing_segment_is_named_and_the_nearest_point_offered(scene: Scene) -> None:
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (1, 'before the gap')")
    lost = segment(1, _archived(scene))
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (2, 'in the gap')")
    gap = segment(1, _archived(scene))
    assert gap > lost
    scene.drop_database()
    target = scene.target()
    for folder in (scene.vault.wal(scene.snapshot.system), scene.stack.data / "pg_wal"):
        (folder / gap).unlink(missing_ok=True)
    with pytest.raises(StrongroomError, match=f"WAL segment {gap} .*is nowhere") as refused:
        scene.plan(target)
    offered = str(refused.value).split("`--to ")[1].split("`")[0]
    assert segment(1, offered) == lost
    scene.recover(scene.plan(Target.parse(offered), way=MIGRATE))
    assert scene.journal() == [1]


def test_without_any_source_nothing_is_begun(scene: Scene) -> None:
    target = scene.at(scene.snapshot.start_lsn)
    with pytest.raises(StrongroomError, match=r"was finished at .* which is after") as refused:
        scene.plan(target)
    assert "Nothing was changed" in str(refused.value)
    with pytest.raises(StrongroomError, match="none is called 'replica'"):
        scene.plan(scene.at(scene.snapshot.end_lsn), source="replica")
    assert Journal.at(scene.stack.paths) is None


def test_a_replica_that_has_replayed_the_drop_is_passed_over(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack, delay=0)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    time.sleep(0.5)
    plan = scene.plan(way=MIGRATE)
    assert plan.source.name == scene.snapshot.name
    assert "replica replica: has replayed" in plan.others[0]
    scene.recover(plan)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


@pytest.mark.skipif(not is_root(), reason="takes the archive away from its owner")
def test_segments_the_primary_had_not_archived_are_put_into_the_vault_by_a_swap(
    scene: Scene,
) -> None:
    archive = scene.vault.wal(scene.snapshot.system)
    os.chown(archive, 0, 0)  # the server cannot write there any more
    archive.chmod(0o755)
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.journal VALUES (-1, 'kept')")
        row = root.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    with Writer(scene) as writer:
        writer.wait_for(20)
        scene.drop_database()
    scene.recover(scene.plan(way=SWAP))
    assert (archive / row[0]).exists()
    assert scene.journal()[1 : len(writer.acknowledged) + 1] == writer.acknowledged


def test_an_event_that_was_undone_is_not_undone_again(scene: Scene) -> None:
    scene.drop_database()
    found = event.latest(scene.situation, scene.begun, "app")
    assert (found.lsn, found.tables) == (scene.event().stop_lsn, ())
    scene.recover(scene.plan(found, way=MIGRATE))
    with pytest.raises(StrongroomError, match="was undone: the database is there"):
        event.latest(scene.situation, scene.begun, "app")


def test_an_event_on_a_timeline_that_was_left_is_not_the_latest(scene: Scene) -> None:
    scene.drop_database()
    scene.recover(scene.plan(way=SWAP))
    with pytest.raises(StrongroomError, match="No destructive event is found"):
        event.latest(scene.situation, scene.begun, "app")
