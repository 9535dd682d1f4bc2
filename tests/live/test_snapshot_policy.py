"""The policy as a resource: the first snapshot at once, the next when due, drift in words."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from strongroom.cluster.vault import Snapshot, Vault
from strongroom.errors import StrongroomError
from strongroom.provider.local.snapshot_policy import SnapshotPolicy
from strongroom.provider.resource import Refusal
from tests.live.local_stack import LocalStack, Managed

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def policy(own_stack: LocalStack) -> Managed:
    own_stack.primary.up(vault=str(own_stack.folder / "vault"))
    made = Managed(SnapshotPolicy(), "snapshots")
    made.create(directory=str(own_stack.folder / "primary"), vault=str(own_stack.folder / "vault"))
    return made


@pytest.fixture
def vault(own_stack: LocalStack, policy: Managed) -> Vault:
    return Vault(own_stack.folder / "vault", own_stack.cluster.user)


def _aged(vault: Vault, snapshot: Snapshot, age: timedelta) -> None:
    values: dict[str, Any] = snapshot.dump() | {"finished": (datetime.now(UTC) - age).isoformat()}
    path = vault.snapshots / snapshot.name / "snapshot.json"
    vault.user.write(path, json.dumps(values))


def test_the_first_snapshot_is_taken_at_once_and_no_second(policy: Managed, vault: Vault) -> None:
    (first,) = vault.catalog()
    assert policy.state["newest"] == first.name
    assert first.parent is None
    assert any("taken (full" in line for line in policy.said)
    assert policy.refresh() == []
    assert policy.up().updates == ()
    assert len(vault.catalog()) == 1


def test_a_snapshot_that_is_due_is_told_and_taken_and_a_full_one_in_its_time(
    policy: Managed, vault: Vault
) -> None:
    for snapshot in vault.catalog():
        _aged(vault, snapshot, timedelta(hours=25))
    assert policy.refresh() == ["the newest is 25 hours old; 24 is the limit"]
    assert policy.up().updates == ("drift",)
    assert policy.refresh() == []
    assert vault.catalog()[-1].parent == vault.catalog()[0].name
    for snapshot in vault.catalog():
        _aged(vault, snapshot, timedelta(days=8))
    policy.up()
    assert vault.catalog()[-1].parent is None


def test_what_is_past_its_age_is_ended_by_the_next_up(policy: Managed, vault: Vault) -> None:
    *old, newest = vault.catalog()
    for snapshot in old:
        _aged(vault, snapshot, timedelta(days=36))
    _aged(vault, newest, timedelta(hours=25))
    policy.up()
    assert vault.catalog()[0] == vault.find(newest.name)


def test_a_snapshot_gone_bad_and_a_vault_emptied_by_hand_are_told_and_made_good(
    policy: Managed, vault: Vault
) -> None:
    for snapshot in vault.catalog():
        vault.remember(Snapshot.load({**snapshot.dump(), "problem": "one byte is wrong"}))
    drift = policy.refresh()
    assert "there is no good snapshot" in drift
    assert any("one byte is wrong" in sentence for sentence in drift)
    policy.up()
    assert vault.catalog()[-1].problem is None
    assert "there is no good snapshot" not in policy.refresh()


def test_an_archive_that_cannot_be_written_is_told(
    own_stack: LocalStack, policy: Managed, vault: Vault
) -> None:
    archive = next((vault.folder / "wal").iterdir())
    aside = archive.with_name("aside")
    archive.rename(aside)
    with own_stack.root() as root:
        root.execute("CREATE TABLE archived (id int)")
        root.execute("SELECT pg_switch_wal()")
        _wait_for_failure(root)
    assert any("archiving fails since" in sentence for sentence in policy.refresh())
    aside.rename(archive)
    own_stack.primary.up()
    with own_stack.root() as root:
        _wait_for_success(root)
    assert not any("archiving fails" in sentence for sentence in policy.refresh())


def _wait_for_failure(root: Any) -> None:
    _wait(root, "SELECT last_failed_time > coalesce(last_archived_time, '-infinity')")


def _wait_for_success(root: Any) -> None:
    _wait(root, "SELECT last_archived_time > last_failed_time")


def _wait(root: Any, query: str) -> None:
    deadline = time.monotonic() + 90
    while root.execute(f"{query} FROM pg_stat_archiver").fetchone() != (True,):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_deleting_the_policy_keeps_the_vault(policy: Managed, vault: Vault) -> None:
    before = vault.catalog()
    policy.destroy()
    assert vault.catalog() == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lock_days": 40}, "longer than snapshots are kept"),
        ({"full_every_days": 10, "keep_days": 9, "lock_days": 1}, "so none would end"),
        ({"vault": "vault"}, "not an absolute path"),
        ({"vault": "/c/primary/vault"}, "lies in the cluster"),
    ],
)
def test_a_policy_that_could_not_hold_is_refused(changes: dict[str, Any], said: str) -> None:
    policy = Managed(SnapshotPolicy(), "snapshots")
    given = {"directory": "/c/primary", "vault": "/c/vault", **changes}
    with pytest.raises(Refusal) as refused:
        policy.checked(**given)
    assert said in str(refused.value)


def test_a_policy_of_no_cluster_says_so(tmp_path: Path) -> None:
    policy = Managed(SnapshotPolicy(), "snapshots")
    with pytest.raises(StrongroomError, match="There is no cluster in"):
        policy.create(directory=str(tmp_path / "none"), vault=str(tmp_path / "vault"))
