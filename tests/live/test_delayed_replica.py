"""A delayed replica keeps what was dropped, as long as a heart beats on the primary."""

import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.provider.local.agent import Agent
from strongroom.provider.local.primary import PrimaryInputs
from strongroom.recovery import event
from strongroom.recovery.declared import Declared
from strongroom.recovery.plan import Wish, make
from strongroom.recovery.run import Run
from strongroom.recovery.situation import Situation
from tests.live.local_stack import LocalStack, Managed
from tests.live.recover_scene import Quiet

pytestmark = [pytest.mark.live, pytest.mark.slow]

DELAY = 8


@pytest.fixture
def delayed(empty_stack: LocalStack) -> LocalStack:
    """A primary with rows, and a replica that is told to stay behind."""
    stack = empty_stack.make()
    with stack.root() as root:
        root.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS id")
    replica = stack.replica()
    replica.create(**stack.replica_inputs(delay_seconds=DELAY))
    return stack


def _rows_on_replica(stack: LocalStack) -> int | None:
    """None when the database cannot be entered any more, or not yet."""
    replica = Cluster.at(stack.folder / "replica")
    try:
        with LocalRoot(replica, stack.cluster).connect("app") as root:
            row = root.execute("SELECT count(*) FROM kept").fetchone()
    except (StrongroomError, psycopg.errors.UndefinedTable):
        return None
    return row[0] if row else None


def _wait_until_there(stack: LocalStack) -> None:
    deadline = time.monotonic() + 60
    while _rows_on_replica(stack) != 100:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _drop(stack: LocalStack) -> None:
    with stack.root("postgres") as root:
        root.execute("DROP DATABASE app WITH (FORCE)")


def _recover_from_replica(stack: LocalStack) -> None:
    inputs = PrimaryInputs.model_validate(stack.primary.inputs)
    situation = Situation(Declared(inputs).with_replicas(stack.folder))
    target = event.latest(situation, datetime.now(UTC) - timedelta(minutes=5), "app")
    Run.begin(situation, make(situation, Wish(target, "app", source="replica")), Quiet()).go()


def test_with_a_heartbeat_a_dropped_database_is_still_on_the_replica(delayed: LocalStack) -> None:
    agent = Managed(Agent(), "agent")
    agent.create(
        directory=str(delayed.folder / "primary"),
        database="app",
        vault=str(delayed.folder / "vault"),
    )
    try:
        _wait_until_there(delayed)
        time.sleep(DELAY + 2)  # idle for longer than the delay, but for the heart
        _drop(delayed)
        time.sleep(DELAY / 2)
        assert _rows_on_replica(delayed) == 100
        _recover_from_replica(delayed)
        with delayed.root() as root:
            assert root.execute("SELECT count(*) FROM kept").fetchone() == (100,)
    finally:
        agent.destroy()


def test_without_one_it_is_gone_at_once_which_is_why_there_is_one(delayed: LocalStack) -> None:
    _wait_until_there(delayed)
    time.sleep(DELAY + 2)
    _drop(delayed)
    time.sleep(DELAY / 2)
    assert _rows_on_replica(delayed) is None
