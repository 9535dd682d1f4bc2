"""A recovery that is killed goes on when it is run again, at every step; or it is given up."""

import signal

import pytest

from strongroom.errors import StrongroomError
from strongroom.recovery import event
from strongroom.recovery.abandoning import abandon
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Way
from tests.live.local_stack import LocalStack
from tests.live.recover_apart import NEVER, begun, killed, prepared
from tests.live.recover_scene import MIGRATE, SWAP, Scene, Writer, databases, folder_names

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.mark.parametrize("delay", [300, None], ids=["replica", "snapshot"])
@pytest.mark.parametrize("way", [SWAP, MIGRATE])
def test_killed_before_and_within_every_step_it_ends_as_if_it_had_not_been(
    empty_stack: LocalStack, way: Way, delay: int | None
) -> None:
    scene = Scene(empty_stack, delay)
    with Writer(scene) as writer:
        writer.wait_for(200)
        scene.drop_database()
    prepared(scene, scene.plan(way=way))
    steps: list[str] = []
    for step in range(1, 9):
        for after in (0, 0.03, 0.15):
            if not steps or Journal.at(scene.stack.paths) is not None:
                steps += killed(scene, step, after)
    if Journal.at(scene.stack.paths) is not None:
        steps += killed(scene, NEVER)
    assert {step.split("/")[0] for step in steps} == {str(number) for number in range(1, 9)}
    assert Journal.at(scene.stack.paths) is None
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert databases(scene.stack) == {"app", "other", "postgres", "template0", "template1"}
    assert "recovered" not in folder_names(scene.stack.folder)
    scene.sound()


@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_one_that_was_killed_can_be_given_up_and_leaves_nothing(
    empty_stack: LocalStack, step: int
) -> None:
    scene = Scene(empty_stack)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    before = (databases(scene.stack), scene.elsewhere())
    prepared(scene, scene.plan(way=MIGRATE))
    killed(scene, step, 0.05)
    abandon(scene.situation)
    assert not folder_names(scene.stack.folder) & {"recovered", "recovery.json"}
    assert (databases(scene.stack), scene.elsewhere()) == before
    # The copy that was dropped half restored is not taken for the harm.
    target = event.latest(scene.situation, scene.begun, "app")
    scene.recover(scene.plan(target, way=SWAP))
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


@pytest.mark.parametrize(("way", "step"), [(SWAP, 5), (MIGRATE, 7)])
def test_once_it_has_taken_its_place_the_only_way_is_forward(
    empty_stack: LocalStack, way: Way, step: int
) -> None:
    scene = Scene(empty_stack)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    prepared(scene, scene.plan(way=way))
    killed(scene, step)
    with pytest.raises(StrongroomError, match="has taken its place already"):
        abandon(scene.situation)
    killed(scene, NEVER)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged


def test_two_at_once_do_not_get_in_each_others_way(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    scene.drop_database()
    prepared(scene, scene.plan(way=MIGRATE))
    first = begun(scene)
    assert first.stdout
    assert first.stdout.readline().startswith("1/")
    first.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(StrongroomError, match="Another process of Strongroom"):
            abandon(scene.situation)
    finally:
        first.send_signal(signal.SIGCONT)
        assert first.wait(timeout=60) == 0
        first.communicate()
    scene.sound()
