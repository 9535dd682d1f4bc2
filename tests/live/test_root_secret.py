"""Root's password: rotated when made, on demand and by age, killed at any step, known to nobody."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.bootstrap.sealed import SealedFile, SealedPassword
from strongroom.errors import StrongroomError
from strongroom.provider.local.root_secret import RootSecret
from tests.live.local_stack import LocalStack, Managed

pytestmark = pytest.mark.live


@pytest.fixture
def secret(stack: LocalStack) -> Managed:
    return stack.root_secret()


def _current(stack: LocalStack) -> SealedPassword:
    current = LocalRoot(stack.cluster).sealed.current()
    assert current is not None
    return current


def _works(stack: LocalStack, password: SealedPassword) -> bool:
    return LocalRoot(stack.cluster).works(password)


def test_making_the_secret_rotates_and_the_old_password_opens_nothing(stack: LocalStack) -> None:
    old = _current(stack)
    secret = stack.root_secret()
    new = _current(stack)
    assert (_works(stack, old), _works(stack, new)) == (False, True)
    assert secret.state["rotatedAt"] == new.since.isoformat()
    assert new.since > old.since
    assert len(new.value) >= 40
    assert secret.refresh() == []


def test_a_password_is_rotated_on_demand_and_only_then(stack: LocalStack, secret: Managed) -> None:
    first = _current(stack)
    assert secret.up().updates == ()
    assert _current(stack).value == first.value
    assert secret.up(rotation="after the audit").updates == ("rotation",)
    second = _current(stack)
    assert (_works(stack, first), _works(stack, second)) == (False, True)
    assert secret.up(rotation="after the audit").updates == ()
    assert _current(stack).value == second.value


def test_another_age_limit_alone_rotates_nothing(stack: LocalStack, secret: Managed) -> None:
    before = _current(stack)
    assert secret.up(max_age_days=7).updates == ("maxAgeDays",)
    assert _current(stack).value == before.value
    assert secret.state["maxAgeDays"] == 7
    assert secret.state["rotatedAt"] == before.since.isoformat()


def _age(stack: LocalStack, age: timedelta) -> None:
    sealed = LocalRoot(stack.cluster).sealed
    content = json.loads(sealed.path.read_text())
    content["current"]["since"] = (datetime.now(UTC) - age).isoformat()
    sealed.user.write(sealed.path, json.dumps(content))


def test_a_password_past_its_age_is_told_and_rotated(stack: LocalStack, secret: Managed) -> None:
    old = _current(stack)
    _age(stack, timedelta(days=31))
    assert secret.refresh() == ["the password is 31 days old; 30 is the limit"]
    assert secret.up().updates == ("drift",)
    assert not _works(stack, old)
    assert secret.refresh() == []
    assert _current(stack).since > datetime.now(UTC) - timedelta(minutes=1)


def test_a_password_within_its_age_is_left_alone(stack: LocalStack, secret: Managed) -> None:
    _age(stack, timedelta(days=29, hours=23))
    assert secret.refresh() == []
    assert secret.up().updates == ()


def test_a_sealed_file_that_others_can_read_is_told_and_its_password_replaced(
    stack: LocalStack, secret: Managed
) -> None:
    old = _current(stack)
    LocalRoot(stack.cluster).sealed.path.chmod(0o644)
    assert secret.refresh() == ["the sealed file can be read by others"]
    secret.up()
    assert not _works(stack, old)
    assert secret.refresh() == []


class _KilledError(Exception):
    """Stands for the kill: nothing of the run is done after it."""


def _kill_after(owner: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def arrange(patch: pytest.MonkeyPatch) -> None:
        step = getattr(owner, name)

        def killed(*args: Any) -> None:
            step(*args)
            raise _KilledError

        patch.setattr(owner, name, killed)

    return arrange


def _kill_before(owner: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def arrange(patch: pytest.MonkeyPatch) -> None:
        def killed(*args: Any) -> None:
            raise _KilledError

        patch.setattr(owner, name, killed)

    return arrange


#: Between create and set, set and test, test and finish, and right after finish.
MOMENTS = {
    "created": _kill_after(SealedFile, "begin"),
    "set": _kill_before(Rotation, "test"),
    "tested": _kill_before(SealedFile, "finish"),
    "finished": _kill_after(SealedFile, "finish"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rotation_killed_between_two_steps_leaves_a_password_that_works_and_is_finished_later(
    stack: LocalStack, secret: Managed, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    old = _current(stack)
    with monkeypatch.context() as patch:
        MOMENTS[moment](patch)
        with pytest.raises(_KilledError):
            secret.up(rotation=moment)
    sealed = LocalRoot(stack.cluster).sealed
    with stack.root() as root:
        assert root.execute("SELECT current_user").fetchone() == ("root",)
    assert stack.primary.refresh() == []
    unfinished = ["a rotation was begun and not finished"] if moment != "finished" else []
    assert secret.refresh() == unfinished

    secret.up(rotation=moment)
    assert secret.refresh() == []
    assert sealed.pending() is None
    assert _works(stack, _current(stack))
    assert not _works(stack, old)


def test_root_is_told_that_nothing_works_only_when_nothing_does(
    stack: LocalStack, secret: Managed
) -> None:
    sealed = LocalRoot(stack.cluster).sealed
    content = sealed.path.read_text()
    assert not LocalRoot(stack.cluster).locked_out()
    spoilt = json.loads(content)
    spoilt["current"]["password"] = "wrong" * 10
    sealed.user.write(sealed.path, json.dumps(spoilt))
    try:
        assert LocalRoot(stack.cluster).locked_out()
        with pytest.raises(StrongroomError, match="Root cannot sign in to primary"):
            secret.up(rotation="impossible")
    finally:
        sealed.user.write(sealed.path, content)
    assert not LocalRoot(stack.cluster).locked_out()


def test_deleting_the_secret_keeps_the_password_with_its_cluster(
    stack: LocalStack, secret: Managed
) -> None:
    before = _current(stack)
    secret.destroy()
    assert _current(stack).value == before.value
    assert _works(stack, before)


def test_a_secret_of_no_cluster_says_so(empty_stack: LocalStack) -> None:
    with pytest.raises(StrongroomError, match="There is no cluster in"):
        empty_stack.root_secret()


def test_a_secret_whose_cluster_went_says_so(own_stack: LocalStack) -> None:
    secret = own_stack.root_secret()
    facts = own_stack.cluster.facts
    content = facts.read_text()
    facts.unlink()
    assert secret.refresh() == ["its cluster is gone"]
    facts.write_text(content)
    assert secret.refresh() == []


def test_a_server_that_is_stopped_keeps_its_old_password(own_stack: LocalStack) -> None:
    secret = own_stack.root_secret()
    before = _current(own_stack)
    own_stack.cluster.stop()
    with pytest.raises(StrongroomError, match="Root cannot sign in"):
        secret.up(rotation="now")
    own_stack.primary.up()
    assert _works(own_stack, before)
    secret.up(rotation="now")
    assert not _works(own_stack, before)


@pytest.mark.parametrize("days", [0, 366, -1])
def test_an_age_limit_out_of_range_is_no_input(days: int) -> None:
    with pytest.raises(ValueError, match="maxAgeDays"):
        Managed(RootSecret(), "root").checked(directory="/tmp/x", max_age_days=days)
