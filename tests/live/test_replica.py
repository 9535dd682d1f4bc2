"""A standby: it streams, follows its primary wherever that goes, and waits when told to."""

import time
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from strongroom.bootstrap.local import LocalRoot
from strongroom.errors import StrongroomError
from strongroom.provider.local import replica as replica_module
from tests.live.local_stack import SMALL, LocalStack
from tests.live.standby import Standby

pytestmark = pytest.mark.live


def test_a_row_written_on_the_primary_is_read_on_the_replica(standby: Standby) -> None:
    standby.beat("first")
    standby.arrives("first")


def test_a_replica_cannot_be_written_to(standby: Standby) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        standby.ask("INSERT INTO beat (said) VALUES ('here')")


def test_it_streams_encrypted_by_certificate_through_a_slot_of_its_own(standby: Standby) -> None:
    with standby.stack.root() as root:
        row = root.execute(
            "SELECT usename, state, slot_name, slot_type, ssl, version, client_dn, "
            "application_name FROM pg_stat_replication JOIN pg_stat_ssl USING (pid) "
            "JOIN pg_replication_slots ON active_pid = pid"
        ).fetchone()
    assert row == (
        "replicator", "streaming", "replica", "physical", True, "TLSv1.3", "/CN=replicator",
        "replica",
    )  # fmt: skip
    assert standby.replica.state["slot"] == "replica"
    assert standby.replica.state["port"] != standby.stack.cluster.port


def test_people_sign_in_to_a_replica_with_the_same_certificates(standby: Standby) -> None:
    parameters = {
        **standby.stack.parameters("provisioner"),
        "port": str(standby.replica.state["port"]),
    }
    with psycopg.connect(make_conninfo(**parameters)) as session:
        assert session.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="rejects"):
        psycopg.connect(make_conninfo(**{**parameters, "user": "root"}))


def test_no_password_lies_in_a_replicas_settings(standby: Standby) -> None:
    assert "password" not in repr((standby.replica.state, standby.replica.said))
    assert "password=" not in (standby.cluster.data / "postgresql.conf").read_text()
    assert not (standby.stack.folder / "replica" / "sealed").exists()


def test_a_restarted_primary_is_followed_again(standby: Standby) -> None:
    standby.stack.cluster.stop()
    drift = standby.replica.refresh()
    assert drift == []  # the primary's own drift says why nothing can be asked
    standby.stack.primary.up()
    standby.beat("restarted")
    standby.arrives("restarted", within=20)
    assert standby.replica.refresh() == []


def test_a_primary_that_moved_to_another_port_is_followed_there(standby: Standby) -> None:
    standby.stack.primary.up(port=standby.stack.cluster.port + 1)
    assert "postgresql.conf is not as declared" in standby.replica.refresh()
    standby.healed("moved")
    assert not any("made anew" in told for told in standby.replica.said)


def test_more_connections_on_the_primary_are_followed_by_the_replica(standby: Standby) -> None:
    more = {**SMALL, "max_connections": "44"}
    standby.stack.primary.up(settings=more)
    assert standby.replica.preview(settings=more).updates[0] == "settings"
    assert "max_connections: restarts the replica, open sessions end" in standby.replica.said
    standby.replica.up(settings=more)
    assert standby.replica.refresh() == []
    assert standby.ask("SHOW max_connections") == ("44",)
    assert not any("made anew" in told for told in standby.replica.said)


def test_a_delayed_replica_shows_a_committed_row_only_after_its_delay(standby: Standby) -> None:
    process = standby.cluster.process()
    assert standby.replica.up(delay_seconds=2).updates == ("delaySeconds",)
    assert standby.cluster.process() == process
    standby.beat("later")
    assert 1.5 < standby.arrives("later") < 8
    standby.replica.up(delay_seconds=0)
    standby.beat("at once")
    assert standby.arrives("at once") < 1.5


def test_roots_rotated_password_reaches_the_replica_with_everything_else(standby: Standby) -> None:
    secret = standby.stack.root_secret()
    deadline = time.monotonic() + 10
    while LocalRoot(standby.cluster, standby.stack.cluster).locked_out():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert secret.refresh() == []


@pytest.mark.parametrize("seconds", [-1, 86401])
def test_a_delay_out_of_range_is_no_input(stack_inputs: dict[str, Any], seconds: int) -> None:
    with pytest.raises(ValueError, match="delaySeconds"):
        replica_module.ReplicaInputs.model_validate({**stack_inputs, "delaySeconds": seconds})


@pytest.fixture
def stack_inputs() -> dict[str, Any]:
    return {"directory": "/tmp/replica", "primary": "/tmp/primary"}


def test_a_replica_of_no_primary_says_so(empty_stack: LocalStack) -> None:
    with pytest.raises(StrongroomError, match="There is no cluster in"):
        empty_stack.replica().create(**empty_stack.replica_inputs())


def test_a_delayed_replica_that_was_restarted_is_left_to_work_off_what_it_has(
    standby: Standby,
) -> None:
    # It may be the one that still holds what was dropped on the primary.
    standby.replica.up(delay_seconds=60)
    for said in ("one", "two"):
        standby.beat(said)
    before = standby.cluster.process()
    standby.cluster.stop()
    standby.replica.up()
    assert standby.cluster.process() != before
    assert standby.replica.refresh() == []
    assert not any("made anew" in line for line in standby.replica.said)
    standby.replica.up(delay_seconds=0)
    standby.arrives("two", within=30)
