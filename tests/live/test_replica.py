"""A standby: it streams, waits when told to, and is made anew when it cannot follow any more."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tenacity import stop_after_delay

from strongroom.bootstrap.root import Root
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.provider.local import replica as replica_module
from tests.live.local_stack import SMALL, LocalStack, Managed

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def pair(own_stack: LocalStack) -> tuple[LocalStack, Managed]:
    """A primary with a table, and a replica of it."""
    with own_stack.root() as root:
        root.execute("CREATE TABLE beat (id int GENERATED ALWAYS AS IDENTITY, said text)")
    replica = own_stack.replica()
    replica.create(**own_stack.replica_inputs())
    return own_stack, replica


@pytest.fixture
def standby(
    pair: tuple[LocalStack, Managed], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[LocalStack, Managed]]:
    """Both of them, sound; the test may break the replica."""
    stack, replica = pair
    if stack.primary.refresh():
        stack.primary.up()
    if replica.refresh():
        replica.up()
    replica.said.clear()
    yield pair


def _ask(stack: LocalStack, query: str, name: str = "replica") -> Any:
    cluster = Cluster.at(stack.folder / name)
    with Root(cluster, stack.cluster).connect("app") as root:
        return root.execute(query.encode()).fetchone()


def _beat(stack: LocalStack, said: str) -> None:
    with stack.root() as root:
        root.execute("INSERT INTO beat (said) VALUES (%s)", [said])


def _arrives(stack: LocalStack, said: str, within: float = 10, name: str = "replica") -> float:
    """Seconds until a row that was written on the primary is read on the replica."""
    start = time.monotonic()
    while _ask(stack, f"SELECT count(*) FROM beat WHERE said = '{said}'", name) == (0,):
        assert time.monotonic() - start < within, f"{said} did not arrive"
        time.sleep(0.05)
    return time.monotonic() - start


def _healed(stack: LocalStack, replica: Managed, said: str) -> None:
    assert replica.up().updates == ("drift",)
    assert replica.refresh() == []
    _beat(stack, said)
    _arrives(stack, said)


def test_a_row_written_on_the_primary_is_read_on_the_replica(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, _ = standby
    _beat(stack, "first")
    _arrives(stack, "first")


def test_a_replica_cannot_be_written_to(standby: tuple[LocalStack, Managed]) -> None:
    stack, _ = standby
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        _ask(stack, "INSERT INTO beat (said) VALUES ('here')")


def test_it_streams_encrypted_by_certificate_through_a_slot_of_its_own(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    with stack.root() as root:
        row = root.execute(
            "SELECT usename, state, slot_name, slot_type, ssl, version, client_dn, "
            "application_name FROM pg_stat_replication JOIN pg_stat_ssl USING (pid) "
            "JOIN pg_replication_slots ON active_pid = pid"
        ).fetchone()
    assert row == (
        "replicator", "streaming", "replica", "physical", True, "TLSv1.3", "/CN=replicator",
        "replica",
    )  # fmt: skip
    assert replica.state["slot"] == "replica"
    assert replica.state["port"] != stack.cluster.port


def test_people_sign_in_to_a_replica_with_the_same_certificates(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    parameters = {**stack.parameters("provisioner"), "port": str(replica.state["port"])}
    with psycopg.connect(**parameters) as session:
        assert session.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="rejects"):
        psycopg.connect(**{**parameters, "user": "root"})


def test_no_password_lies_in_a_replicas_settings(standby: tuple[LocalStack, Managed]) -> None:
    stack, replica = standby
    assert "password" not in repr((replica.state, replica.said))
    assert "password=" not in (stack.folder / "replica" / "data" / "postgresql.conf").read_text()
    assert not (stack.folder / "replica" / "sealed").exists()


def _stopped(stack: LocalStack, cluster: Cluster) -> str:
    cluster.stop()
    return "the server is stopped"


def _edited(stack: LocalStack, cluster: Cluster) -> str:
    path = cluster.data / "postgresql.conf"
    path.write_text(path.read_text().replace("primary_slot_name", "# primary_slot_name"))
    return "postgresql.conf was changed by hand"


def _certificate_gone(stack: LocalStack, cluster: Cluster) -> str:
    (cluster.directory / "tls" / "replicator.key").unlink()
    return "the replicator's certificate has to be renewed"


def _slot_dropped(stack: LocalStack, cluster: Cluster) -> str:
    with stack.root() as root:
        root.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active"
        )
        for _ in range(100):
            try:
                root.execute("SELECT pg_drop_replication_slot('replica')")
                break
            except psycopg.errors.ObjectInUse:
                time.sleep(0.01)
    return "its replication slot is missing on the primary"


@pytest.mark.parametrize("harm", [_stopped, _edited, _certificate_gone, _slot_dropped])
def test_what_happened_to_a_replica_is_noticed_and_put_right_in_place(
    standby: tuple[LocalStack, Managed], harm: Callable[[LocalStack, Cluster], str]
) -> None:
    stack, replica = standby
    sentence = harm(stack, Cluster.at(stack.folder / "replica"))
    assert sentence in replica.refresh()
    _healed(stack, replica, harm.__name__)
    assert not any("made anew" in told for told in replica.said)


def _promoted(stack: LocalStack, cluster: Cluster) -> str:
    with Root(cluster, stack.cluster).connect() as root:
        root.execute("SELECT pg_promote()")
        root.execute("CREATE TABLE only_here ()")
    return "it was promoted and follows nobody"


def _promoted_and_stopped(stack: LocalStack, cluster: Cluster) -> str:
    _promoted(stack, cluster)
    cluster.stop()
    return "the server is stopped"


def _data_gone(stack: LocalStack, cluster: Cluster) -> str:
    cluster.stop()
    shutil.rmtree(cluster.data)
    return f"the data directory {cluster.data} is gone"


def _too_far_behind(stack: LocalStack, cluster: Cluster) -> str:
    """Its slot lost and the WAL it needs recycled: nothing can bring it up again."""
    cluster.stop()
    with stack.root() as root:
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
    standby: tuple[LocalStack, Managed],
    harm: Callable[[LocalStack, Cluster], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Long enough for a sound one on this machine, and no more.
    monkeypatch.setattr(replica_module._streams.retry, "stop", stop_after_delay(5))
    stack, replica = standby
    sentence = harm(stack, Cluster.at(stack.folder / "replica"))
    assert sentence in replica.refresh()
    _healed(stack, replica, harm.__name__)
    (told,) = [told for told in replica.said if "made anew" in told]
    kept = told.rsplit(" ", 1)[1]
    assert (stack.paths.final_snapshots / kept / "data" / "PG_VERSION").exists()


def test_a_replica_whose_data_is_gone_is_copied_again(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    sentence = _data_gone(stack, Cluster.at(stack.folder / "replica"))
    assert replica.refresh() == [sentence]
    _healed(stack, replica, "again")


def test_a_copy_of_another_cluster_is_no_replica(
    standby: tuple[LocalStack, Managed], strongroom_home: Any
) -> None:
    stack, replica = standby
    stranger = LocalStack(strongroom_home).make()
    stranger.cluster.stop()
    cluster = Cluster.at(stack.folder / "replica")
    cluster.stop()
    shutil.rmtree(cluster.data)
    (stranger.folder / "primary" / "data").rename(cluster.data)
    _healed(stack, replica, "of this one")
    assert any("a copy of another primary" in told for told in replica.said)


def test_a_restarted_primary_is_followed_again(standby: tuple[LocalStack, Managed]) -> None:
    stack, replica = standby
    stack.cluster.stop()
    drift = replica.refresh()
    assert drift == []  # the primary's own drift says why nothing can be asked
    stack.primary.up()
    _beat(stack, "restarted")
    _arrives(stack, "restarted", within=20)
    assert replica.refresh() == []


def test_a_primary_that_moved_to_another_port_is_followed_there(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    stack.primary.up(port=stack.cluster.port + 1)
    assert "postgresql.conf was changed by hand" in replica.refresh()
    _healed(stack, replica, "moved")
    assert not any("made anew" in told for told in replica.said)


def test_more_connections_on_the_primary_are_followed_by_the_replica(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    more = {**SMALL, "max_connections": "44"}
    stack.primary.up(settings=more)
    assert replica.preview(settings=more).updates[0] == "settings"
    assert "max_connections: restarts the replica, open sessions end" in replica.said
    replica.up(settings=more)
    assert replica.refresh() == []
    assert _ask(stack, "SHOW max_connections") == ("44",)
    assert not any("made anew" in told for told in replica.said)


def test_a_delayed_replica_shows_a_committed_row_only_after_its_delay(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    process = Cluster.at(stack.folder / "replica").process()
    assert replica.up(delay_seconds=2).updates == ("delaySeconds",)
    assert Cluster.at(stack.folder / "replica").process() == process
    _beat(stack, "later")
    assert 1.5 < _arrives(stack, "later") < 8
    replica.up(delay_seconds=0)
    _beat(stack, "at once")
    assert _arrives(stack, "at once") < 1.5


def test_roots_rotated_password_reaches_the_replica_with_everything_else(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, _ = standby
    secret = stack.root_secret()
    _beat(stack, "rotated")
    time.sleep(0.3)
    _arrives(stack, "rotated")
    assert secret.refresh() == []


@pytest.mark.parametrize("seconds", [-1, 86401])
def test_a_delay_out_of_range_is_no_input(stack_inputs: dict[str, Any], seconds: int) -> None:
    with pytest.raises(ValueError, match="delaySeconds"):
        replica_module.ReplicaInputs.model_validate({**stack_inputs, "delaySeconds": seconds})


@pytest.fixture
def stack_inputs() -> dict[str, Any]:
    return {"directory": "/tmp/replica", "primary": "/tmp/primary"}


def test_a_replica_of_no_primary_says_so(empty_stack: LocalStack) -> None:
    replica = empty_stack.replica()
    with pytest.raises(StrongroomError, match="There is no cluster in"):
        replica.create(**empty_stack.replica_inputs())


def test_a_second_create_finishes_what_a_killed_one_began(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, replica = standby
    cluster = Cluster.at(stack.folder / "replica")
    process = cluster.process()
    replica.create(**replica.inputs)
    assert cluster.process() == process
    cluster.stop()
    leftover = cluster.directory / ".new-data-0badcafe"
    cluster.data.rename(leftover)  # killed while it was copied
    cluster.facts.unlink()
    replica.create(**replica.inputs)
    assert not leftover.exists()
    assert replica.refresh() == []


def _like_the_primary(stack: LocalStack, name: str, **inputs: Any) -> dict[str, Any]:
    settings = stack.primary.inputs["settings"]
    return stack.replica_inputs(name, **{"settings": settings, **inputs})


def test_a_replica_that_allows_less_than_its_primary_says_what_the_server_says(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, _ = standby
    other = stack.replica("small")
    less = {**stack.primary.inputs["settings"], "max_connections": "30"}
    with pytest.raises(StrongroomError) as refused:
        other.create(**_like_the_primary(stack, "small", settings=less))
    told = str(refused.value)
    assert "max_connections = 30 is a lower setting than on the primary server" in told
    other.create(**_like_the_primary(stack, "small"))
    assert other.refresh() == []
    other.destroy()


def test_a_deleted_replica_leaves_no_slot_behind(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, _ = standby
    other = stack.replica("other")
    other.create(**_like_the_primary(stack, "other"))
    other.destroy()
    with stack.root() as root:
        slots = root.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert slots == [("replica",)]
    assert not (stack.folder / "other").exists()
    other.destroy()  # run again after a kill just before the end


def test_a_slot_that_could_not_be_dropped_is_dropped_by_the_next_run(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, _ = standby
    other = stack.replica("other")
    other.create(**_like_the_primary(stack, "other"))
    stack.cluster.stop()
    with pytest.raises(StrongroomError, match="is stopped, so the slot other"):
        other.destroy()
    stack.primary.up()
    other.destroy()
    with stack.root() as root:
        slots = root.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert slots == [("replica",)]


def test_a_deleted_delayed_replica_is_kept_because_it_holds_what_no_other_does(
    standby: tuple[LocalStack, Managed],
) -> None:
    stack, _ = standby
    other = stack.replica("late")
    other.create(**_like_the_primary(stack, "late", delay_seconds=3600))
    other.destroy()
    assert list(stack.paths.final_snapshots.glob("late-*/data/PG_VERSION"))


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
