"""Files, folders and commands of the user that clusters run as."""

import os
import stat
from pathlib import Path

import pytest

from strongroom.cluster.system_user import SystemUser, clean_environment, passable
from strongroom.errors import StrongroomError

ME = SystemUser.current()


def test_a_file_is_written_whole_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ME.write(tmp_path / "secret", "one")
        ME.write(tmp_path / "public", b"two", 0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "secret").read_text() == "one"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "public").stat().st_mode) == 0o644
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_under_the_files_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    (tmp_path / "postgresql.conf").symlink_to(elsewhere)
    ME.write(tmp_path / "postgresql.conf", "new")
    assert elsewhere.read_text() == "precious"
    assert not (tmp_path / "postgresql.conf").is_symlink()


def test_a_file_that_cannot_be_written_is_one_paragraph(tmp_path: Path) -> None:
    with pytest.raises(StrongroomError, match=r"could not be written \(No such file"):
        ME.write(tmp_path / "missing" / "file", "x")


def test_a_folder_that_cannot_be_made_is_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for make in (ME.folder, passable):
        with pytest.raises(StrongroomError, match="could not be made"):
            make(tmp_path / "file" / "folder")


def test_folders_are_private_and_what_lies_above_them_can_be_passed(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        ME.folder(tmp_path / "state" / "stack" / "primary")
    finally:
        os.umask(before)
    modes = [
        stat.S_IMODE((tmp_path / part).stat().st_mode)
        for part in ("state", "state/stack", "state/stack/primary")
    ]
    assert modes == [0o755, 0o755, 0o700]


def test_an_existing_folder_above_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o750)
    ME.folder(tmp_path / "mine" / "own")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o750


def test_postgresqls_programs_never_see_the_callers_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    environment = clean_environment()
    assert not any(name.startswith("PG") for name in environment)
    assert environment["LC_ALL"] == "C"
    shown = ME.run("/usr/bin/env").stdout
    assert "PGHOSTADDR" not in shown


def test_a_command_that_fails_tells_its_last_words() -> None:
    with pytest.raises(StrongroomError, match="sh failed with exit code 3: first / last"):
        ME.run("/bin/sh", "-c", "echo first >&2; echo last >&2; exit 3")
    assert ME.run("/bin/sh", "-c", "exit 3", check=False).returncode == 3


def test_a_command_that_hangs_is_ended_and_told() -> None:
    with pytest.raises(StrongroomError, match="sleep did not finish within 0 s and was ended"):
        ME.run("/bin/sleep", "30", timeout=0.2)


def test_a_command_that_is_not_there_is_one_paragraph() -> None:
    with pytest.raises(StrongroomError, match="/none/pg_ctl cannot be started as"):
        ME.run("/none/pg_ctl")


def test_what_a_command_is_given_reaches_it_through_its_input_only() -> None:
    assert ME.run("/bin/cat", given="a secret").stdout == "a secret"
    assert ME.run("/bin/cat").stdout == ""


def test_a_user_without_a_name_is_told_that_postgresql_needs_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(StrongroomError, match="User id 4000000 has no name on this machine"):
        SystemUser.current()


def test_root_without_any_unprivileged_user_is_told_to_make_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("strongroom.cluster.system_user._UNPRIVILEGED", ("no_such_user",))
    with pytest.raises(StrongroomError, match="PostgreSQL refuses to run as root"):
        SystemUser.for_clusters()
