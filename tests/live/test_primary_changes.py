"""What a change of a primary's inputs does, what the preview says of it, and what is refused."""

import socket
from typing import Any

import pytest

from strongroom.cluster.configuration import LOOPBACK
from strongroom.errors import StrongroomError
from tests.live.local_stack import SMALL, LocalStack

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
    "settings",
    [
        {"work_mem": "8MB", "timezone": "UTC", "datestyle": "ISO, DMY"},
        {"auto_explain.log_min_duration": "1s"},
        {"search_path": 'app, "it\'s" , public'},
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


def test_a_minor_upgrade_is_an_update_that_says_it_restarts(stack: LocalStack) -> None:
    stack.primary.state["serverVersion"] = "17.9"
    inputs = stack.primary.checked()
    diff = stack.primary.resource.diff(stack.primary.context, stack.primary.state, inputs)
    assert diff.updates == ("serverVersion",)
    assert stack.primary.said == ["serverVersion: restarts the primary, open sessions end"]
