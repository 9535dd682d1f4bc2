"""What happens to a standby is noticed and put right; what cannot follow is made anew."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
import pytest
from tenacity import stop_after_delay

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.provider.local import replica as replica_module
from strongroom.provider.local import slots
from tests.live.local_stack import LocalStack, is_root
from tests.live.standby import Standby

pytestmark = pytest.mark.live


def _stopped(standby: Standby) -> str:
    standby.cluster.stop()
    return "the server is stopped"


def _edited(standby: Standby) -> str:
    path = standby.cluster.data / "postgresql.conf"
    path.write_text(path.read_text().replace("primary_slot_name", "# primary_slot_name"))
    return "postgresql.conf is not as declared"


def _certificate_gone(standby: Standby) -> str:
    (standby.cluster.directory / "tls" / "replicator.key").unlink()
    return "the replicator's certificate has to be renewed"


def _slot_dropped(standby: Standby) -> str:
    dropped = False
    with standby.stack.root() as root:
        # The standby comes back at once, on a busy machine sooner than the slot is dropped.
        for _ in range(1000):
            root.execute(
                "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active"
            )
            try:
                root.execute("SELECT pg_drop_replication_slot('replica')")
                dropped = True
                break
            except psycopg.errors.ObjectInUse:
                time.sleep(0.01)
    assert dropped
    return "its replication slot is missing on the primary"


@pytest.mark.parametrize("harm", [_stopped, _edited, _certificate_gone, _slot_dropped])
def test_what_happened_to_a_replica_is_noticed_and_put_right_in_place(
    standby: Standby, harm: Callable[[Standby], str]
) -> None:
    sentence = harm(standby)
    assert sentence in standby.replica.refresh()
    standby.healed(harm.__name__)
    assert not any("made anew" in told for told in standby.replica.said)


def _promoted(standby: Standby) -> str:
    with LocalRoot(standby.cluster, standby.stack.cluster).connect() as root:
        root.execute("SELECT pg_promote()")
        root.execute("CREATE TABLE only_here ()")
    return "it was promoted and follows nobody"


def _promoted_and_stopped(standby: Standby) -> str:
    _promoted(standby)
    standby.cluster.stop()
    return "the server is stopped"


def _data_gone(standby: Standby) -> str:
    standby.cluster.stop()
    shutil.rmtree(standby.cluster.data)
    return f"the data directory {standby.cluster.data} is gone"


def _too_far_behind(standby: Standby) -> str:
    """Its slot lost and the WAL it needs recycled: nothing can bring it up again."""
    standby.cluster.stop()
    with standby.stack.root() as root:
        root.execute("SELECT pg_drop_replication_slot('replica')")
        needed = root.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
        query = "SELECT count(*) FROM pg_ls_waldir() WHERE name = %s"
        while root.execute(query, needed).fetchone() == (1,):
            root.execute("SELECT pg_switch_wal()")
            root.execute("INSERT INTO beat (said) VALUES ('filling')")
            root.execute("CHECKPOINT")
    return "the server is stopped"


@pytest.mark.parametrize("harm", [_promoted, _promoted_and_stopped, _too_far_behind])
def test_a_replica_that_cannot_follow_is_made_anew_and_the_old_one_kept(
    standby: Standby,
    harm: Callable[[Standby], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Long enough for a sound one on this machine, and no more.
    monkeypatch.setattr(slots.streams.retry, "stop", stop_after_delay(5))
    sentence = harm(standby)
    assert sentence in standby.replica.refresh()
    standby.healed(harm.__name__)
    (told,) = [told for told in standby.replica.said if "made anew" in told]
    kept = told.rsplit(" ", 1)[1]
    assert (standby.stack.paths.final_snapshots / kept / "data" / "PG_VERSION").exists()


def test_a_replica_whose_data_is_gone_is_copied_again(standby: Standby) -> None:
    sentence = _data_gone(standby)
    assert standby.replica.refresh() == [sentence]
    standby.healed("again")


def test_a_copy_of_another_cluster_is_no_replica(standby: Standby, strongroom_home: Any) -> None:
    stranger = LocalStack(strongroom_home).make()
    stranger.cluster.stop()
    standby.cluster.stop()
    shutil.rmtree(standby.cluster.data)
    (stranger.folder / "primary" / "data").rename(standby.cluster.data)
    standby.healed("of this one")
    assert any("a copy of another primary" in told for told in standby.replica.said)


def test_a_copy_that_a_killed_run_left_at_work_is_ended_and_its_slot_taken_over(
    standby: Standby,
) -> None:
    cluster = standby.cluster
    cluster.stop()
    shutil.rmtree(cluster.data)
    leftover = cluster.directory / ".new-data-0badcafe"
    conninfo = replica_module._conninfo(cluster, standby.stack.cluster)
    identity: dict[str, Any] = {}
    if is_root():
        identity = {"user": cluster.user.uid, "group": cluster.user.gid}
    # At this rate it would take minutes.
    orphan = psutil.Popen(
        [cluster.package.tool("pg_basebackup"), "--pgdata", leftover, "--wal-method=stream",
         "--checkpoint=fast", "--slot=replica", "--max-rate=64", "--dbname", conninfo],
        stderr=subprocess.DEVNULL, cwd="/", **identity,
    )  # fmt: skip
    with standby.stack.root() as root:
        query = "SELECT active FROM pg_replication_slots WHERE slot_name = 'replica'"
        while root.execute(query).fetchone() != (True,):
            assert orphan.poll() is None
            time.sleep(0.05)
    standby.healed("taken over")
    assert orphan.wait(timeout=5) == -signal.SIGKILL
    assert not leftover.exists()


def test_a_second_create_finishes_what_a_killed_one_began(standby: Standby) -> None:
    process = standby.cluster.process()
    standby.replica.create(**standby.replica.inputs)
    assert standby.cluster.process() == process
    standby.cluster.stop()
    leftover = standby.cluster.directory / ".new-data-0badcafe"
    standby.cluster.data.rename(leftover)  # killed while it was copied
    standby.cluster.facts.unlink()
    standby.replica.create(**standby.replica.inputs)
    assert not leftover.exists()
    assert standby.replica.refresh() == []


def test_a_replica_that_allows_less_than_its_primary_says_what_the_server_says(
    standby: Standby,
) -> None:
    other = standby.stack.replica("small")
    less = {**standby.stack.primary.inputs["settings"], "max_connections": "30"}
    with pytest.raises(StrongroomError) as refused:
        other.create(**standby.like_the_primary("small", settings=less))
    told = str(refused.value)
    assert "max_connections = 30 is a lower setting than on the primary server" in told
    other.create(**standby.like_the_primary("small"))
    assert other.refresh() == []
    other.destroy()


def test_a_deleted_replica_leaves_no_slot_behind(standby: Standby) -> None:
    other = standby.stack.replica("other")
    other.create(**standby.like_the_primary("other"))
    other.destroy()
    with standby.stack.root() as root:
        slots = root.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert slots == [("replica",)]
    assert not (standby.stack.folder / "other").exists()
    other.destroy()  # run again after a kill just before the end


def test_a_slot_that_could_not_be_dropped_is_dropped_by_the_next_run(standby: Standby) -> None:
    other = standby.stack.replica("other")
    other.create(**standby.like_the_primary("other"))
    standby.stack.cluster.stop()
    with pytest.raises(StrongroomError, match="is stopped, so the slot other"):
        other.destroy()
    standby.stack.primary.up()
    other.destroy()
    with standby.stack.root() as root:
        slots = root.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert slots == [("replica",)]


def test_a_deleted_delayed_replica_is_kept_because_it_holds_what_no_other_does(
    standby: Standby,
) -> None:
    other = standby.stack.replica("late")
    other.create(**standby.like_the_primary("late", delay_seconds=3600))
    other.destroy()
    assert list(standby.stack.paths.final_snapshots.glob("late-*/data/PG_VERSION"))


def test_a_replica_outlives_its_deleted_primary_and_can_be_deleted_after_it(
    empty_stack: LocalStack,
) -> None:
    empty_stack.make(deletion_protection=False)
    replica = empty_stack.replica()
    replica.create(**empty_stack.replica_inputs())
    empty_stack.primary.destroy()
    assert replica.refresh() == ["its primary is gone"]
    replica.destroy()
    assert not (empty_stack.folder / "replica").exists()


def test_a_replicas_copy_put_back_in_place_of_a_lost_primary_serves_and_is_followed(
    empty_stack: LocalStack,
) -> None:
    empty_stack.make()
    with empty_stack.root() as root:
        root.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS id")
    replica = empty_stack.replica()
    replica.create(**empty_stack.replica_inputs())
    empty_stack.cluster.stop()
    shutil.rmtree(empty_stack.data)
    copy = Cluster.at(empty_stack.folder / "replica")
    copy.stop()
    copy.user.run("/bin/cp", "-a", copy.data, empty_stack.data)

    empty_stack.primary.up()
    assert empty_stack.primary.refresh() == []
    with empty_stack.root() as root:
        assert root.execute("SELECT count(*) FROM kept").fetchone() == (100,)
        root.execute("INSERT INTO kept VALUES (101)")
    replica.up()
    assert replica.refresh() == []
    assert not any("made anew" in told for told in replica.said)
