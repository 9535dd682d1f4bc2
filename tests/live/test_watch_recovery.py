"""A dropped database is told once, and its recovery, on a new timeline too, is nobody's news."""

import time
from collections.abc import Callable

import pytest

from strongroom import alerts
from strongroom.agent.duties import Duties
from strongroom.recovery.plan import Way
from strongroom.watch.watch import Watch
from tests.live.local_stack import LocalStack
from tests.live.recover_scene import MIGRATE, SWAP, Scene

pytestmark = [pytest.mark.live, pytest.mark.slow]


def _told(stack: LocalStack) -> list[tuple[str, str]]:
    return [
        (each.alert.kind, each.alert.facts.get("lost", each.alert.title))
        for each in alerts.kept(stack.folder)
    ]


def _looks(watch: Watch) -> Callable[[], None]:
    def look() -> None:
        for _ in range(4):
            watch.look()
            time.sleep(0.8)

    return look


@pytest.mark.parametrize("way", [SWAP, MIGRATE])
def test_a_recovery_raises_no_alert_and_the_watch_goes_on_behind_it(
    empty_stack: LocalStack, way: Way
) -> None:
    scene = Scene(empty_stack)
    folder = empty_stack.folder
    duties = Duties(folder / "primary", "app", scene.vault.folder, 1, 24, 7, 35, 7, 30)
    look = _looks(Watch(duties))
    look()
    scene.drop_database()
    look()
    assert _told(empty_stack) == [("watch.database-dropped", "app")]
    scene.recover(scene.plan(way=way))
    look()
    assert _told(empty_stack) == [("watch.database-dropped", "app")]
    with empty_stack.root() as root:
        root.execute("SET strongroom.confirm = 'drop table app.lines'")
        root.execute("DROP TABLE app.lines")
    # A new life of the agent begins there as well.
    _looks(Watch(duties))()
    assert _told(empty_stack) == [
        ("watch.database-dropped", "app"),
        ("watch.table-dropped", "app.lines"),
    ]
