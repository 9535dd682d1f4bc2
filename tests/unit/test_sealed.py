"""Root's sealed password: two stages, one file, nothing shown."""

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strongroom.bootstrap.sealed import SealedFile, SealedPassword, candidates
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError


@pytest.fixture
def sealed(tmp_path: Path) -> SealedFile:
    return SealedFile(tmp_path / "sealed", SystemUser.current())


def test_nothing_is_sealed_at_first(sealed: SealedFile) -> None:
    assert sealed.current() is None
    assert sealed.pending() is None
    assert candidates(sealed) == []


def test_a_rotation_goes_from_pending_to_current_and_forgets_the_old_value(
    sealed: SealedFile,
) -> None:
    first = sealed.begin()
    assert candidates(sealed) == [first]
    sealed.finish()
    second = sealed.begin()
    assert second.value != first.value
    assert [password.value for password in candidates(sealed)] == [first.value, second.value]
    finished = sealed.finish()
    assert finished.value == second.value
    assert sealed.current() == finished
    assert sealed.pending() is None
    assert first.value not in sealed.path.read_text()


def test_a_rotation_begun_twice_keeps_its_value(sealed: SealedFile) -> None:
    assert sealed.begin() == sealed.begin()


def test_the_time_of_a_password_is_when_it_came_into_use(sealed: SealedFile) -> None:
    begun = sealed.begin().since
    since = sealed.finish().since
    assert begun <= since <= datetime.now(UTC)
    assert since.tzinfo is UTC
    current = sealed.current()
    assert current is not None
    assert current.since == since


def test_the_file_opens_to_its_owner_only(sealed: SealedFile) -> None:
    sealed.begin()
    assert stat.S_IMODE(sealed.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(sealed.folder.stat().st_mode) == 0o700


def test_a_file_made_readable_is_closed_by_the_next_rotation(sealed: SealedFile) -> None:
    sealed.begin()
    sealed.path.chmod(0o644)
    sealed.finish()
    assert stat.S_IMODE(sealed.path.stat().st_mode) == 0o600


def test_no_temporary_file_is_left(sealed: SealedFile) -> None:
    sealed.begin()
    sealed.finish()
    assert list(sealed.folder.iterdir()) == [sealed.path]


def test_a_password_is_never_shown() -> None:
    shown = SealedPassword("the value itself", datetime(2026, 1, 1, tzinfo=UTC))
    for text in (repr(shown), str(shown), f"{shown}", repr([shown]), repr({"current": shown})):
        assert "the value itself" not in text
        assert "2026-01-01" in text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "garbage",
        "[]",
        "7",
        '"text"',
        "null",
        '{"current": null}',
        '{"current": "text"}',
        '{"current": {"password": "x"}}',
        '{"current": {"password": "x", "since": "yesterday"}}',
        '{"current": {"since": "2026-01-01T00:00:00+00:00"}}',
    ],
)
def test_a_spoilt_file_is_as_good_as_none(sealed: SealedFile, content: str) -> None:
    sealed.folder.mkdir()
    sealed.path.write_text(content)
    assert candidates(sealed) == []
    value = sealed.begin()
    assert candidates(sealed) == [value]
    assert set(json.loads(sealed.path.read_text())) == {"pending"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_whoever_may_not_read_it_is_told_that_nobody_needs_it(sealed: SealedFile) -> None:
    sealed.begin()
    sealed.path.chmod(0)
    with pytest.raises(StrongroomError) as refused:
        sealed.current()
    assert "is sealed: it opens to" in str(refused.value)
    assert "strongroom connect" in str(refused.value)
