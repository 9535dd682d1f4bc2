"""A senior's rights, lent: exactly those, on record, and gone whatever happens."""

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strongroom import alerts
from strongroom.breakglass import ending
from strongroom.breakglass.verifying import verify
from tests.conftest import kill
from tests.live.broken_glass import (
    WHY,
    closers,
    entries,
    glass,
    last_id,
    memberships,
    open_glass,
    rights,
    sessions,
    story,
    wait_until,
)
from tests.live.cli_project import ProjectStack, Terminal, standing_project
from tests.live.local_stack import apply_model

pytestmark = pytest.mark.live

OPENED, LEFT = ("opened", ""), ("closed", "left")
ASK = ("root", "break-glass", "chiara", *WHY)


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    with standing_project(strongroom_home) as made:
        apply_model(made)
        yield made


@pytest.fixture(autouse=True, scope="module")
def _hangs_up() -> Iterator[None]:
    """Under nohup every command would ignore the signal that one of these tests sends."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def _nothing_is_left(project: ProjectStack) -> Iterator[None]:
    before = rights(project, "chiara"), memberships(project)
    yield
    assert (rights(project, "chiara"), memberships(project)) == before
    assert ending.due(project.paths) == []
    assert verify(project.folder).problems == ()
    assert closers(project) == []
    assert list((project.folder / "break-glass").glob("*")) == []


def _is_raised(project: ProjectStack) -> bool:
    return rights(project, "chiara") == rights(project, "ada")


def test_it_gives_exactly_a_seniors_rights_and_takes_them_back_when_psql_ends(
    project: ProjectStack,
) -> None:
    assert not _is_raised(project)
    process = project.start(*ASK)
    assert process.stdin
    process.stdin.write("select current_user, current_setting('default_transaction_read_only');\n")
    process.stdin.write("delete from app.before where id = 2;\n")
    process.stdin.flush()
    wait_until(lambda: _is_raised(project), "the rights never came")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "chiara       | off" in output
    assert "DELETE 1" in output
    assert "It ends when you leave psql." in output
    assert "ended (left); the rights are gone." in output
    assert story(project, last_id(project)) == [OPENED, LEFT]
    assert not _is_raised(project)


def test_the_session_is_named_in_the_servers_log_and_its_certificate_ends_with_it(
    project: ProjectStack,
) -> None:
    with open_glass(project, glass(seconds=8, name="00000001")) as access:
        with psycopg.connect(**access.parameters) as session:  # type: ignore[arg-type]
            row = session.execute("SHOW application_name").fetchone()
        assert row == ("break-glass chiara INC-42 00000001",)
        parameters = dict(access.parameters)
    assert "break-glass chiara INC-42 00000001" in project.server_log()
    assert memberships(project) == [("tier_writer", "provisioner", True, False, False)]
    time.sleep(8)
    with pytest.raises(psycopg.OperationalError, match="certificate expired"):
        psycopg.connect(**parameters)  # type: ignore[arg-type]


def test_it_ends_when_the_time_is_over_with_every_session_of_the_person(
    project: ProjectStack,
) -> None:
    elder = project.sign_in("chiara")
    with open_glass(project, glass(seconds=3, name="00000002")) as access:
        lent = psycopg.connect(**access.parameters, autocommit=True)  # type: ignore[arg-type]
        lent.execute("DELETE FROM app.before WHERE id = 3")
        # Worn roles outlive the membership they were reached by.
        elder.execute("SET ROLE app_owner")
        wait_until(lambda: story(project, "00000002") == [OPENED, ("closed", "time over")], "late")
        assert not _is_raised(project)
        for session in (elder, lent):
            with pytest.raises(psycopg.errors.AdminShutdown):
                session.execute("SELECT 1")
            session.close()
        assert sessions(project, "chiara") == 0


_MINUTE_OF_SECONDS = (
    "import datetime as d, strongroom.breakglass.glass as g; "
    "g.timedelta = lambda minutes: d.timedelta(seconds=5 * minutes); "
    "from strongroom.cli import main; main()"
)


def test_the_command_line_ends_psql_when_the_time_is_over(project: ProjectStack) -> None:
    command = [sys.executable, "-c", _MINUTE_OF_SECONDS, *ASK, "--minutes", "1"]
    with Terminal(command, project.checkout, project.environment(TERM="xterm")) as terminal:
        terminal.wait_for("[local SENIOR] chiara@app=> ")
        assert terminal.wait() == 1
        assert "The time is over." in terminal.seen
        assert "ended (time over)" in terminal.seen
        assert terminal.echoes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_when_the_command_line_is_killed(
    project: ProjectStack, how: signal.Signals
) -> None:
    process = project.start(*ASK)
    wait_until(lambda: _is_raised(project), "the rights never came")
    wait_until(lambda: sessions(project, "chiara") == 1, "psql never came")
    process.send_signal(how)
    wait_until(lambda: not _is_raised(project), "the rights are still there")
    wait_until(lambda: story(project, last_id(project)) == [OPENED, LEFT], "it is not on record")
    assert sessions(project, "chiara") == 0
    process.communicate(timeout=30)
    wait_until(lambda: closers(project) == [], "the closing process stays")


def test_ctrl_c_in_psql_ends_the_statement_and_not_the_break_glass(project: ProjectStack) -> None:
    with project.terminal(*ASK) as terminal:
        terminal.wait_for("[local SENIOR] chiara@app=> ")
        terminal.type("select pg_sleep(60);")
        time.sleep(1)
        terminal.type("\x03", end="")
        terminal.wait_for("canceling statement due to user request")
        terminal.type("select 'still ' || 'here';")
        terminal.wait_for("still here")
        assert _is_raised(project)
        assert terminal.end() == 0


def test_what_nobody_closed_is_due_and_the_next_up_ends_it(project: ProjectStack) -> None:
    process = project.start(*ASK)
    wait_until(lambda: sessions(project, "chiara") == 1, "psql never came")
    assert ending.due(project.paths) == []
    assert ending.close_overdue(project.paths) == []
    kill(closers(project))
    process.kill()
    wait_until(lambda: ending.due(project.paths) != [], "it is not due")
    assert _is_raised(project)
    (sentence,) = ending.due(project.paths)
    assert sentence.startswith("chiara was given the rights of a senior until ")
    assert sentence.endswith(" UTC (INC-42) and never closed")
    assert ending.close_overdue(project.paths)[0].endswith("; ended now")
    assert story(project, last_id(project)) == [OPENED, ("closed", "next up")]
    assert sessions(project, "chiara") == 0
    assert ending.close_overdue(project.paths) == []
    process.communicate(timeout=30)


@pytest.mark.parametrize("seconds", [0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0])
def test_killed_at_any_moment_it_gives_nothing_that_the_next_up_does_not_take_back(
    project: ProjectStack, seconds: float
) -> None:
    before = len(entries(project))
    process = project.start(*ASK)
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=30)
    kill(closers(project))
    on_record = len(entries(project)) > before
    assert on_record or not _is_raised(project)
    assert len(ending.due(project.paths)) == len(ending.close_overdue(project.paths))
    assert ending.due(project.paths) == []
    shutil.rmtree(project.folder / "break-glass", ignore_errors=True)


def test_the_command_line_ends_it_itself_when_the_closing_process_was_killed(
    project: ProjectStack,
) -> None:
    with open_glass(project, glass(name="00000003")):
        kill(closers(project))
    assert story(project, "00000003") == [OPENED, LEFT]


def test_of_two_at_once_the_later_one_takes_the_rights_back(project: ProjectStack) -> None:
    with open_glass(project, glass(name="00000004")) as longer:
        kept = psycopg.connect(**longer.parameters, autocommit=True)  # type: ignore[arg-type]
        with open_glass(project, glass(name="00000005")) as access:
            ends = psycopg.connect(**access.parameters, autocommit=True)  # type: ignore[arg-type]
        assert story(project, "00000005") == [OPENED, LEFT]
        assert _is_raised(project)
        kept.execute("DELETE FROM app.before WHERE id = 4")
        with pytest.raises(psycopg.errors.AdminShutdown):
            ends.execute("SELECT 1")
        ends.close()
    kept.close()
    assert story(project, "00000004") == [OPENED, LEFT]


def test_what_an_up_took_out_meanwhile_is_no_hindrance(project: ProjectStack) -> None:
    with open_glass(project, glass(name="00000006")), project.sign_in("provisioner") as session:
        session.execute("REVOKE tier_full, ddl_gate FROM chiara")
    assert story(project, "00000006") == [OPENED, LEFT]


def test_what_the_roster_gives_by_now_stays(project: ProjectStack) -> None:
    try:
        with open_glass(project, glass(name="00000007")), project.sign_in("provisioner") as session:
            session.execute("REVOKE tier_writer FROM chiara")
        assert story(project, "00000007") == [OPENED, LEFT]
        assert [row[0] for row in memberships(project)] == ["ddl_gate", "tier_full"]
    finally:
        with project.sign_in("provisioner") as session:
            session.execute("GRANT tier_writer TO chiara WITH INHERIT TRUE, SET FALSE")
            session.execute("REVOKE tier_full, ddl_gate FROM chiara")


def test_a_server_that_is_being_restarted_is_waited_for(project: ProjectStack) -> None:
    with open_glass(project, glass(seconds=3, name="00000008")):
        project.cluster.stop()
        time.sleep(5)
        assert story(project, "00000008") == [OPENED]
        project.cluster.start()
        wait_until(lambda: story(project, "00000008")[1:] == [("closed", "time over")], "late")


def test_the_alert_names_the_person_and_tells_the_records_hash(project: ProjectStack) -> None:
    with open_glass(project, glass(name="00000009")):
        pass
    opening, closing = (each.alert for each in alerts.kept(project.folder)[-2:])
    assert (opening.kind, closing.kind) == ("break-glass.opened", "break-glass.closed")
    assert "chiara was given the rights of a senior until" in opening.text
    assert "If ada did not approve this, act now." in opening.text
    first, last = entries(project, "00000009")
    assert opening.facts["record hash"] == first.hash
    assert closing.facts["record hash"] == last.hash
