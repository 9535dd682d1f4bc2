"""Root opened for a person: named in the log, and a password that is worth nothing afterwards."""

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from strongroom import alerts
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.sealed import SealedPassword
from strongroom.breakglass import ending
from strongroom.breakglass.glass import Kind
from strongroom.breakglass.verifying import verify
from strongroom.errors import StrongroomError
from tests.conftest import end_server, kill
from tests.live.broken_glass import (
    WHY,
    closers,
    entries,
    glass,
    last_id,
    open_glass,
    sessions,
    story,
    wait_until,
)
from tests.live.cli_project import ProjectStack, standing_project
from tests.live.local_stack import LocalStack
from tests.unit.webhook import SECRET, Hook

pytestmark = pytest.mark.live

OPENED, ROTATED = ("opened", ""), ("rotated", "")
ASK = ("root", "break-glass", "chiara", "--root", *WHY)


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    with standing_project(strongroom_home) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_left(project: ProjectStack) -> Iterator[None]:
    yield
    assert ending.due(project.paths) == []
    assert verify(project.folder).problems == ()
    assert closers(project) == []
    assert sessions(project, "root") == 0
    assert list((project.folder / "break-glass").glob("*")) == []


def sealed(stack: LocalStack) -> SealedPassword:
    current = LocalRoot(stack.cluster).sealed.current()
    assert current is not None
    return current


def opens(stack: LocalStack, password: SealedPassword) -> bool:
    return LocalRoot(stack.cluster).works(password)


def as_root(password: str, stack: LocalStack, **more: str) -> psycopg.Connection[tuple[object]]:
    """What whoever has read the password can do besides."""
    return psycopg.connect(
        host=str(stack.cluster.socket), port=stack.cluster.port, user="root", dbname="app",
        password=password, autocommit=True, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_root_is_opened_read_only_and_its_password_opens_nothing_afterwards(
    project: ProjectStack,
) -> None:
    before = sealed(project)
    shown = (
        "select current_user, current_database(), current_setting('is_superuser'), "
        "current_setting('statement_timeout');\ncreate table mine ();\n"
    )
    done = project.strongroom(*ASK, "--", "-At", given=shown)
    assert done.stdout.strip() == "root|app|on|15min"
    assert "cannot execute CREATE TABLE in a read-only transaction" in done.stderr
    assert "root was opened for chiara until" in done.stderr
    assert "ended (left); root's password was rotated." in done.stderr
    assert story(project, last_id(project)) == [OPENED, ROTATED, ("closed", "left")]
    assert not opens(project, before)
    assert opens(project, sealed(project))
    assert f"break-glass chiara INC-42 {last_id(project)}" in project.server_log()


def test_root_can_change_things_only_when_asked_to_write(project: ProjectStack) -> None:
    changes = ("-c", "create table mine ()", "-c", "drop table mine")
    done = project.strongroom(*ASK, "--write", "--", *changes)
    assert (done.returncode, done.stdout.split()) == (0, ["CREATE", "TABLE", "DROP", "TABLE"])
    assert project.strongroom(*ASK, "--", *changes).returncode == 1


def test_a_senior_can_be_given_root_and_the_prompt_says_so(project: ProjectStack) -> None:
    ask = ("root", "break-glass", "ada", "--root", *WHY[:-1], "bram", "-s", "production")
    with project.terminal(*ask, NO_COLOR="") as terminal:
        terminal.wait_for("\x1b[1;97;41m[production ROOT READ ONLY]\x1b[0m root@app=# ")
        assert terminal.end() == 0


def _readable(folder: Path) -> Iterator[Path]:
    """Every file of the stack but the database's own."""
    for path in folder.rglob("*"):
        if "data" not in path.parts and stat.S_ISREG(path.lstat().st_mode):
            yield path


def test_the_password_is_in_no_file_no_command_line_and_no_output(project: ProjectStack) -> None:
    password = sealed(project).value
    process = project.start(*ASK)
    wait_until(lambda: sessions(project, "root", "break-glass %") == 1, "psql never came")
    command_lines = [
        " ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])
    ]
    # The one place: the environment of psql.
    found = psutil.process_iter(["environ", "name"])
    holders = [p.info["name"] for p in found if password in (p.info["environ"] or {}).values()]
    during = {path for path in _readable(project.folder) if password in path.read_text("latin-1")}
    output, _ = process.communicate(timeout=60)
    assert not any(password in line for line in command_lines)
    assert holders == ["psql"]
    assert {path.name for path in during} == {"root.json"}
    after = [path for path in _readable(project.folder) if password in path.read_text("latin-1")]
    assert after == []
    assert password not in output
    assert not opens(project, SealedPassword(password, datetime.now(UTC)))


def test_every_session_of_root_ends_whatever_it_was_called(project: ProjectStack) -> None:
    with open_glass(project, glass(Kind.ROOT, name="10000001")) as access:
        password = access.parameters["password"]
        hidden = [as_root(password, project, application_name=name) for name in ("strongroom", "")]
        assert password not in repr(access)
    for session in hidden:
        with pytest.raises(psycopg.errors.AdminShutdown):
            session.execute("SELECT 1")
        session.close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        as_root(password, project)


def test_it_ends_when_the_time_is_over_and_rotates(project: ProjectStack) -> None:
    before = sealed(project)
    with open_glass(project, glass(Kind.ROOT, seconds=3, name="10000002")) as access:
        session = as_root(access.parameters["password"], project)
        expected = [OPENED, ROTATED, ("closed", "time over")]
        wait_until(lambda: story(project, "10000002") == expected, "late")
        assert not opens(project, before)
        with pytest.raises(psycopg.errors.AdminShutdown):
            session.execute("SELECT 1")
        session.close()


def test_it_rotates_when_the_command_line_is_killed(project: ProjectStack) -> None:
    before = sealed(project)
    process = project.start(*ASK)
    wait_until(lambda: sessions(project, "root", "break-glass %") == 1, "psql never came")
    process.kill()
    wait_until(lambda: story(project, last_id(project))[-1] == ("closed", "left"), "never closed")
    assert not opens(project, before)
    process.communicate(timeout=30)
    wait_until(lambda: closers(project) == [], "the closing process stays")


def test_what_nobody_closed_is_due_and_the_next_up_rotates(project: ProjectStack) -> None:
    before = sealed(project)
    process = project.start(*ASK)
    wait_until(lambda: sessions(project, "root", "break-glass %") == 1, "psql never came")
    kill(closers(project))
    process.kill()
    wait_until(lambda: ending.due(project.paths) != [], "it is not due")
    (sentence,) = ending.due(project.paths)
    assert sentence.startswith("root was opened for chiara until ")
    assert sentence.endswith("(INC-42) and never closed")
    assert opens(project, before)
    project.cluster.stop()
    with pytest.raises(StrongroomError, match="Root cannot sign in"):
        ending.close_overdue(project.paths)
    assert len(ending.due(project.paths)) == 1
    project.cluster.start()
    assert len(ending.close_overdue(project.paths)) == 1
    assert not opens(project, before)
    assert story(project, last_id(project))[-1] == ("closed", "next up")
    process.communicate(timeout=30)


def test_of_two_at_once_the_other_ones_session_goes_on_with_a_dead_password(
    project: ProjectStack,
) -> None:
    with open_glass(project, glass(Kind.ROOT, name="10000003")) as longer:
        kept = psycopg.connect(**longer.parameters, autocommit=True)  # type: ignore[arg-type]
        with open_glass(project, glass(Kind.ROOT, who="esra", name="10000004")):
            pass
        assert kept.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            as_root(longer.parameters["password"], project)
    with pytest.raises(psycopg.errors.AdminShutdown):
        kept.execute("SELECT 1")
    kept.close()


def test_a_rotation_that_was_killed_halfway_is_no_hindrance(project: ProjectStack) -> None:
    pending = LocalRoot(project.cluster).sealed.begin()
    with open_glass(project, glass(Kind.ROOT, name="10000005")) as access:
        as_root(access.parameters["password"], project).close()
    assert story(project, "10000005")[-1] == ("closed", "left")
    assert sealed(project).value == pending.value


def test_root_rotates_on_demand_and_it_is_on_record(project: ProjectStack) -> None:
    before = sealed(project)
    done = project.strongroom("root", "rotate")
    after = sealed(project)
    said = f"root's password was rotated at {after.since:%Y-%m-%d %H:%M:%S} UTC"
    assert (done.returncode, done.stdout.strip()) == (0, said)
    assert before.value != after.value
    assert not opens(project, before)
    entry = entries(project)[-1]
    assert (entry.event, entry.id, entry.kind) == ("rotated", "", "root")
    assert after.value not in project.server_log()


@pytest.mark.parametrize("status", [200, 404])
def test_the_webhook_is_told_and_one_that_refuses_stops_nothing(
    project: ProjectStack, status: int
) -> None:
    hook = Hook(status)
    try:
        environment = {alerts.WEBHOOK: hook.url}
        done = project.strongroom(*ASK, "--", "-Atc", "select 'inside'", **environment)
    finally:
        hook.shutdown()
        hook.server_close()
    assert done.stdout.strip() == "inside"
    opening, closing = (json.loads(body)["text"] for _, _, body in hook.received)
    assert opening.startswith("*Break-glass on local: chiara, root*")
    assert "approved by ada: the orders of May are wrong" in opening
    assert entries(project, last_id(project))[0].hash in opening
    assert "it is ended (left), and root's password rotated" in closing
    problems = {each.problem for each in alerts.kept(project.folder)[-2:]}
    refused = status != 200
    assert problems == ({"the webhook answered 404"} if refused else {None})
    assert ("was not delivered" in done.stderr) is refused
    assert SECRET not in done.stderr
    assert SECRET not in alerts.file_of(project.folder).read_text()


def test_a_record_that_cannot_be_written_keeps_the_glass_whole(project: ProjectStack) -> None:
    before, kept = sealed(project), entries(project)
    record = project.folder / "break-glass.jsonl"
    aside = record.rename(project.folder / "aside.jsonl")
    record.mkdir()
    try:
        refused = project.strongroom(*ASK, given="select 'inside';\n")
    finally:
        record.rmdir()
        aside.rename(record)
    assert refused.returncode == 1
    assert "break-glass.jsonl cannot be read" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""
    assert (sealed(project).value, entries(project)) == (before.value, kept)
    shutil.rmtree(project.folder / "break-glass")


def test_root_gets_in_where_the_database_is_gone_and_nobody_else_is_promised_anything(
    strongroom_home: Path,
) -> None:
    stack = LocalStack(strongroom_home).make()
    try:
        with stack.root("postgres") as root:
            root.execute("DROP DATABASE app WITH (FORCE)")
        with (
            pytest.raises(
                StrongroomError, match=r'database "app" does not exist.*no tier can bring'
            ),
            open_glass(stack, glass()),
        ):
            pass
        assert entries(stack) == []
        with (
            open_glass(stack, glass(Kind.ROOT, name="10000006")) as access,
            psycopg.connect(**access.parameters) as session,  # type: ignore[arg-type]
        ):
            row = session.execute("SELECT current_user, current_database()").fetchone()
        assert row == ("root", "postgres")
        assert story(stack, "10000006") == [OPENED, ROTATED, ("closed", "left")]
        assert verify(stack.folder).problems == ()
    finally:
        kill(closers(stack))
        end_server(stack.folder / "primary")
        shutil.rmtree(stack.folder, ignore_errors=True)
