"""Inputs of a primary and places for it that cannot be used, and what a person is told."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from strongroom.provider.resource import Refusal
from tests.live.local_stack import LocalStack, is_root

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"work_mem": "lots"}, 'invalid value for parameter "work_mem": "lots"'),
        (
            {"max_connections": "-1"},
            '-1 is outside the valid range for parameter "max_connections"',
        ),
        ({"wrok_mem": "4MB"}, "has no setting 'wrok_mem'"),
        ({"shared_buffers": "8GB GB"}, 'invalid value for parameter "shared_buffers"'),
        ({"work_mem": "4MB\nfsync = off"}, "syntax error"),
        ({"autovacuum": "off'\nlisten_addresses = '*"}, "syntax error"),
        ({"x.y\nlisten_addresses": "*"}, "is not a name"),
        ({"listen_addresses": "*"}, "listen_addresses"),
        ({"Listen_Addresses": "*"}, "is not a name"),
        ({"strongroom.confirm": "drop table app.t"}, "strongroom.confirm"),
        ({"session_preload_libraries": "x"}, "session_preload_libraries"),
        ({"archive_command": "curl"}, "archive_command"),
        ({"fsync": "off"}, "fsync"),
        ({"include": "/tmp/x"}, "include"),
        ({"data_directory": "/tmp"}, "data_directory"),
        ({"hba_file": "/tmp/hba"}, "hba_file"),
        ({"log_statement": "none"}, "log_statement"),
    ],
)
def test_settings_that_the_server_or_strongroom_refuses_are_refused_with_the_reason(
    sound: LocalStack, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        sound.primary.checked(settings=settings)
    ((name, reason),) = refused.value.failures
    assert name == "settings"
    assert words in reason


@pytest.mark.parametrize("port", [-1, 80, 1023, 65536, 99999])
def test_a_port_nobody_may_listen_on_is_refused(sound: LocalStack, port: int) -> None:
    with pytest.raises(Refusal, match="1024 to 65535"):
        sound.primary.checked(port=port)


def test_a_cluster_of_another_major_version_is_refused(sound: LocalStack) -> None:
    sound.primary.inputs["serverVersion"] = "16.4"
    try:
        with pytest.raises(Refusal, match=r"made by PostgreSQL 16\.4"):
            sound.primary.checked()
    finally:
        sound.primary.inputs["serverVersion"] = sound.cluster.package.version


@pytest.mark.parametrize(
    ("binaries", "words"),
    [
        ("bin", "Give the absolute path of a PostgreSQL bin folder"),
        ("/usr/bin/none", "are not there"),
    ],
)
def test_a_server_that_is_not_there_is_refused(
    sound: LocalStack, binaries: str, words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        sound.primary.checked(server_binaries=binaries)
    ((name, reason),) = refused.value.failures
    assert name == "serverBinaries"
    assert words in reason


def test_a_server_too_old_is_refused(sound: LocalStack) -> None:
    old = sound.folder / "old"
    old.mkdir(exist_ok=True)
    for tool in ("initdb", "pg_basebackup", "pg_controldata", "pg_ctl", "postgres", "psql"):
        (old / tool).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.8'\n")
        (old / tool).chmod(0o755)
    with pytest.raises(Refusal, match=r"which is PostgreSQL 15\.8; 17 is the oldest"):
        sound.primary.checked(server_binaries=str(old))


def test_a_relative_or_too_long_directory_is_refused(sound: LocalStack) -> None:
    for directory, words in (
        ("primary", "is not an absolute path"),
        ("/tmp/" + "x" * 120, "is too long by"),
    ):
        with pytest.raises(Refusal, match=words):
            sound.primary.checked(directory=directory)


@pytest.fixture
def closed(sound: LocalStack) -> Iterator[Path]:
    """A folder that the clusters' user may not enter."""
    folder = sound.folder / "closed"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700 if is_root() else 0o600)
    yield folder
    folder.chmod(0o755)


def test_a_directory_that_the_servers_user_cannot_reach_is_refused(
    sound: LocalStack, closed: Path
) -> None:
    with pytest.raises(Refusal) as refused:
        sound.primary.checked(directory=str(closed / "primary"))
    ((name, reason),) = refused.value.failures
    assert name == "directory"
    assert f"The server runs as {SystemUser.for_clusters().name}, who may not enter" in reason
    assert "STRONGROOM_HOME" in reason


@pytest.mark.skipif(is_root(), reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_one_paragraph(empty_stack: LocalStack) -> None:
    empty_stack.folder.chmod(0o555)
    try:
        with pytest.raises(StrongroomError, match="could not be made"):
            empty_stack.make()
    finally:
        empty_stack.folder.chmod(0o755)


@pytest.fixture
def tiny_disk(empty_stack: LocalStack) -> Iterator[LocalStack]:
    """A file system of 8 MB."""
    mounted = is_root() and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", empty_stack.folder], check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("only root can mount a file system, and not in every container")
    yield empty_stack
    subprocess.run(["umount", "--lazy", empty_stack.folder], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_half_made(tiny_disk: LocalStack) -> None:
    with pytest.raises(StrongroomError, match="No space left on device"):
        tiny_disk.make()
    assert not tiny_disk.data.exists()
    filling = tiny_disk.folder / "primary" / "filling"
    with pytest.raises(OSError, match="No space left"), filling.open("wb") as file:
        file.write(bytes(16 * 1024 * 1024))
    with pytest.raises(StrongroomError, match=r"could not be (written|made)"):
        tiny_disk.make()
    filling.unlink()
    subprocess.run(["mount", "-o", "remount,size=300m", tiny_disk.folder], check=True)
    tiny_disk.make()
    assert tiny_disk.primary.refresh() == []
    tiny_disk.cluster.stop()


def test_what_postgresql_refuses_in_the_bootstrap_is_one_paragraph(sound: LocalStack) -> None:
    with sound.root() as root:
        root.execute("DROP EVENT TRIGGER strongroom_drop")
        root.execute("DROP TABLE strongroom.guarded_schema CASCADE")
        root.execute("CREATE VIEW strongroom.guarded_schema AS SELECT 'app' AS name")
    with pytest.raises(StrongroomError) as refused:
        sound.primary.up()
    assert "The bootstrap of primary was stopped halfway" in str(refused.value)
    assert 'cannot delete from view "guarded_schema"' in str(refused.value)
    assert "\n" not in str(refused.value)
    with sound.root() as root:
        root.execute("DROP VIEW strongroom.guarded_schema")
    sound.primary.up()
    assert sound.primary.refresh() == []
