"""What a change of a primary's inputs does, what the preview says of it, and what is refused."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from strongroom.provider.resource import Refusal
from tests.live.local_stack import SMALL, LocalStack, is_root

pytestmark = pytest.mark.live


@pytest.fixture
def stack(own_stack: LocalStack) -> LocalStack:
    """The module's primary as it was declared first."""
    own_stack.primary.said.clear()
    if own_stack.primary.inputs["settings"] != SMALL or own_stack.primary.refresh():
        own_stack.primary.up(settings=SMALL)
    own_stack.primary.said.clear()
    return own_stack


def _shown(stack: LocalStack, setting: str) -> str:
    with stack.root() as root:
        row = root.execute("SELECT current_setting(%s)", [setting]).fetchone()
    return str(row[0]) if row else ""


def test_a_setting_that_a_reload_can_change_keeps_every_session(stack: LocalStack) -> None:
    with stack.root() as session:
        diff = stack.primary.up(settings={**SMALL, "work_mem": "9MB"})
        assert diff.updates == ("settings",)
        assert session.execute("SHOW work_mem").fetchone() == ("9MB",)
    assert not any("restart" in told for told in stack.primary.said)


def test_a_setting_that_takes_a_restart_is_said_so_in_the_preview_and_then_is_in_force(
    stack: LocalStack,
) -> None:
    process = stack.cluster.process()
    wanted = {**SMALL, "max_connections": "41", "work_mem": "5MB"}
    assert stack.primary.preview(settings=wanted).updates == ("settings",)
    assert stack.primary.said == ["max_connections: restarts the primary, open sessions end"]
    assert stack.cluster.process() == process
    stack.primary.up(settings=wanted)
    assert stack.cluster.process() != process
    assert (_shown(stack, "max_connections"), _shown(stack, "work_mem")) == ("41", "5MB")
    assert stack.primary.refresh() == []


def test_a_setting_left_out_again_goes_back_to_its_default(stack: LocalStack) -> None:
    stack.primary.up(settings={**SMALL, "work_mem": "9MB", "max_locks_per_transaction": "100"})
    stack.primary.up(settings=SMALL)
    assert _shown(stack, "work_mem") == "4MB"
    assert _shown(stack, "max_locks_per_transaction") == "64"
    assert stack.primary.refresh() == []


def test_a_restart_left_over_by_a_killed_run_is_not_forgotten(stack: LocalStack) -> None:
    # The files are as declared, but the server was never restarted.
    wanted = {**SMALL, "max_connections": "42"}
    stack.cluster.configure(wanted)
    stack.primary.up(settings=wanted)
    assert _shown(stack, "max_connections") == "42"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"work_mem": "lots"}, 'invalid value for parameter "work_mem": "lots"'),
        ({"max_connections": "-1"}, '-1 is outside the valid range for parameter "max_connections"'),
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
    stack: LocalStack, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        stack.primary.checked(settings=settings)
    ((name, reason),) = refused.value.failures
    assert name == "settings"
    assert words in reason


@pytest.mark.parametrize(
    "settings",
    [
        {"work_mem": "8MB", "timezone": "UTC", "datestyle": "ISO, DMY"},
        {"auto_explain.log_min_duration": "1s"},
        {"search_path": "app, \"it's\" , public"},
        {"default_text_search_config": "pg_catalog.simple"},
        {"my.text": "back\\slash 'quotes' # no comment"},
    ],
)
def test_settings_that_the_server_takes_are_taken_to_the_letter(
    stack: LocalStack, settings: dict[str, str]
) -> None:
    stack.primary.up(settings={**SMALL, **settings})
    with stack.root() as root:
        rows = root.execute(
            "SELECT lower(name), setting FROM pg_file_settings WHERE applied AND error IS NULL"
        ).fetchall()
    assert settings.items() <= dict(rows).items()


@pytest.mark.parametrize("port", [-1, 80, 1023, 65536, 99999])
def test_a_port_nobody_may_listen_on_is_refused(stack: LocalStack, port: int) -> None:
    with pytest.raises(Refusal, match="1024 to 65535"):
        stack.primary.checked(port=port)


def test_a_chosen_port_is_remembered_and_the_same_in_preview_and_update(
    stack: LocalStack, empty_stack: LocalStack
) -> None:
    inputs = {"directory": str(empty_stack.folder / "primary"), "database": "app"}
    chosen = {empty_stack.primary.checked(**inputs).port for _ in range(3)}
    assert len(chosen) == 1
    assert stack.primary.checked(port=0).port == stack.cluster.port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def test_a_new_port_is_said_to_restart_and_then_replaces_the_old_one(stack: LocalStack) -> None:
    before, after = stack.cluster.port, _free_port()
    assert stack.primary.preview(port=after).updates == ("port",)
    assert stack.primary.said == ["port: restarts the primary, open sessions end"]
    stack.primary.up(port=after)
    assert stack.cluster.port == after
    stack.sign_in("provisioner").close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, before))
    assert stack.primary.refresh() == []


def test_a_port_taken_by_a_stranger_is_told_before_the_server_is_stopped_for_it(
    stack: LocalStack,
) -> None:
    process, before = stack.cluster.process(), stack.cluster.port
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen()
        taken = stranger.getsockname()[1]
        with pytest.raises(StrongroomError, match=f"Port {taken} of 127.0.0.1.*is taken"):
            stack.primary.up(port=taken)
        assert stack.cluster.process() == process
        stack.primary.up()
    assert stack.cluster.port == before
    assert stack.primary.refresh() == []


def test_a_stopped_server_whose_port_was_taken_says_so_and_starts_when_it_is_free(
    stack: LocalStack,
) -> None:
    port = stack.cluster.port
    stack.cluster.stop()
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind((LOOPBACK, port))
        stranger.listen()
        with pytest.raises(StrongroomError, match="is taken by another process"):
            stack.primary.up()
    stack.primary.up()
    assert stack.primary.refresh() == []


@pytest.mark.parametrize(
    "change", [{"database": "other"}, {"directory": "/tmp/elsewhere"}, {"database": "Other"}]
)
def test_a_replacement_is_refused_while_deletion_protection_is_on(
    stack: LocalStack, change: dict[str, Any]
) -> None:
    ((name, value),) = change.items()
    with pytest.raises(StrongroomError) as refused:
        stack.primary.preview(**change)
    told = str(refused.value)
    assert f"{name} from '{stack.primary.state[name]}' to '{value}'" in told
    assert "deletion protection is on" in told
    assert "set deletionProtection to false" in told


def test_turning_the_protection_off_does_not_yet_allow_a_replacement_in_the_same_run(
    stack: LocalStack,
) -> None:
    with pytest.raises(StrongroomError, match="deletion protection is on"):
        stack.primary.preview(database="other", deletion_protection=False)


def test_a_replacement_is_planned_once_the_protection_is_off(stack: LocalStack) -> None:
    stack.primary.up(deletion_protection=False)
    diff = stack.primary.preview(database="other")
    assert diff.replaces == ("database",)
    stack.primary.up(deletion_protection=True)


def test_nothing_to_do_is_no_change(stack: LocalStack) -> None:
    diff = stack.primary.preview()
    assert (diff.updates, diff.replaces) == ((), ())
    assert stack.primary.said == []


def test_a_cluster_of_another_major_version_is_refused(stack: LocalStack) -> None:
    stack.primary.inputs["serverVersion"] = "16.4"
    try:
        with pytest.raises(Refusal, match="made by PostgreSQL 16.4"):
            stack.primary.checked()
    finally:
        stack.primary.inputs["serverVersion"] = stack.cluster.package.version


def test_a_minor_upgrade_is_an_update_that_says_it_restarts(stack: LocalStack) -> None:
    stack.primary.state["serverVersion"] = "17.9"
    inputs = stack.primary.checked()
    diff = stack.primary.resource.diff(stack.primary.context, stack.primary.state, inputs)
    assert diff.updates == ("serverVersion",)
    assert stack.primary.said == ["serverVersion: restarts the primary, open sessions end"]


@pytest.mark.parametrize(
    ("binaries", "words"),
    [
        ("bin", "Give the absolute path of a PostgreSQL bin folder"),
        ("/usr/bin/none", "are not there"),
    ],
)
def test_a_server_that_is_not_there_is_refused(
    stack: LocalStack, binaries: str, words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        stack.primary.checked(server_binaries=binaries)
    ((name, reason),) = refused.value.failures
    assert name == "serverBinaries"
    assert words in reason


def test_a_server_too_old_is_refused(stack: LocalStack) -> None:
    old = stack.folder / "old"
    old.mkdir(exist_ok=True)
    for tool in ("initdb", "pg_basebackup", "pg_controldata", "pg_ctl", "postgres", "psql"):
        (old / tool).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.8'\n")
        (old / tool).chmod(0o755)
    with pytest.raises(Refusal, match="which is PostgreSQL 15.8; 17 is the oldest"):
        stack.primary.checked(server_binaries=str(old))


def test_a_relative_or_too_long_directory_is_refused(stack: LocalStack) -> None:
    for directory, words in (
        ("primary", "is not an absolute path"),
        ("/tmp/" + "x" * 120, "is too long by"),
    ):
        with pytest.raises(Refusal, match=words):
            stack.primary.checked(directory=directory)


@pytest.fixture
def closed(stack: LocalStack) -> Iterator[Path]:
    """A folder that the clusters' user may not enter."""
    folder = stack.folder / "closed"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700 if is_root() else 0o600)
    yield folder
    folder.chmod(0o755)


def test_a_directory_that_the_servers_user_cannot_reach_is_refused(
    stack: LocalStack, closed: Path
) -> None:
    with pytest.raises(Refusal) as refused:
        stack.primary.checked(directory=str(closed / "primary"))
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


def test_what_postgresql_refuses_in_the_bootstrap_is_one_paragraph(stack: LocalStack) -> None:
    with stack.root() as root:
        root.execute("DROP EVENT TRIGGER strongroom_drop")
        root.execute("DROP TABLE strongroom.guarded_schema")
        root.execute("CREATE VIEW strongroom.guarded_schema AS SELECT 'app' AS name")
    with pytest.raises(StrongroomError) as refused:
        stack.primary.up()
    assert "The bootstrap of primary was stopped halfway" in str(refused.value)
    assert 'cannot delete from view "guarded_schema"' in str(refused.value)
    assert "\n" not in str(refused.value)
    with stack.root() as root:
        root.execute("DROP VIEW strongroom.guarded_schema")
    stack.primary.up()
    assert stack.primary.refresh() == []
