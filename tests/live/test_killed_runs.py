"""A run can be killed at any moment, and two can meet: the next one converges."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from tests.live import killed_run
from tests.live.local_stack import LocalStack, Managed

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).parents[2]


def _killed(stack: LocalStack, at: str, after: float = 0) -> int:
    path = f"{CHECKOUT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, killed_run.__file__, stack.folder, at, str(after)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_a_create_killed_again_and_again_ends_in_one_sound_cluster(
    empty_stack: LocalStack,
) -> None:
    moments = [("making", 0), ("making", 0.3), ("starting", 0), ("ownership", 0),
               ("ownership", 0.05)]  # fmt: skip
    assert [_killed(empty_stack, at, after) for at, after in moments] == [-9] * len(moments)
    empty_stack.make()
    assert empty_stack.primary.refresh() == []
    assert not list((empty_stack.folder / "primary").glob(".new-*"))
    assert {path.name for path in LocalRoot(empty_stack.cluster).sealed.folder.iterdir()} == {
        "root.json"
    }
    empty_stack.sign_in("provisioner").close()


def test_what_a_killed_initdb_left_is_swept_away(empty_stack: LocalStack) -> None:
    folder = empty_stack.folder / "primary"
    for name in (".new-data", ".new-data-0badcafe"):
        (folder / name / "base").mkdir(parents=True)
        (folder / name / "PG_VERSION").write_text("17\n")
    empty_stack.make()
    assert not list(folder.glob(".new-*"))
    assert empty_stack.primary.refresh() == []


def test_two_runs_at_once_make_one_cluster(empty_stack: LocalStack) -> None:
    def make() -> Managed:
        other = LocalStack.__new__(LocalStack)
        other.folder = empty_stack.folder
        other.primary = Managed(empty_stack.primary.resource, "primary")
        return other.make().primary

    with ThreadPoolExecutor(2) as pool:
        one, two = (future.result() for future in [pool.submit(make), pool.submit(make)])
    made = [told for told in (*one.said, *two.said) if told.startswith("making")]
    assert len(made) == 1
    assert one.state == two.state
    assert one.refresh() == []


def test_a_run_that_finds_another_at_work_gives_up_in_time_and_changes_nothing(
    empty_stack: LocalStack,
) -> None:
    package, user = ServerPackage(Path("/none"), "17.10"), SystemUser.for_clusters()
    cluster = Cluster(empty_stack.folder / "primary", 15432, package, user)
    started = threading.Event()

    def work() -> None:
        with cluster.locked():
            started.set()
            time.sleep(0.6)

    worker = threading.Thread(target=work)
    worker.start()
    started.wait()
    with pytest.raises(StrongroomError, match="Another process of Strongroom"), cluster.locked(0.2):
        pytest.fail("two at once")
    with cluster.locked(10):
        pass
    worker.join()


def test_a_umask_that_closes_everything_is_no_obstacle(empty_stack: LocalStack) -> None:
    deeper = empty_stack.folder / "state" / "stack"
    before = os.umask(0o077)
    try:
        empty_stack.folder = deeper
        empty_stack.make()
    finally:
        os.umask(before)
    assert empty_stack.primary.refresh() == []
