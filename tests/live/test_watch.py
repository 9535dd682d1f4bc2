"""The watch: what destroys or changes rights is told within seconds, once, with who did it."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from strongroom import alerts
from strongroom.agent.process import Agent as Process
from strongroom.alerts import WEBHOOK, Alert
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.provider.local.agent import Agent
from tests.live.local_stack import LocalStack, Managed, apply_model
from tests.unit.webhook import Hook

pytestmark = pytest.mark.live

#: Seconds from a statement to its alert; the machine may be busy with other tests.
SOON = 5.0


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    """A webhook that is down at first."""
    made = Hook(503, 503, 200)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def house(own_stack: LocalStack, hook: Hook) -> Iterator[LocalStack]:
    """A primary with roles and rights, watched by its agent."""
    vault = str(own_stack.folder / "vault")
    own_stack.primary.up(vault=vault)
    apply_model(own_stack)
    agent = Managed(Agent(), "agent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WEBHOOK, hook.url)
        directory = str(own_stack.folder / "primary")
        agent.create(directory=directory, database="app", vault=vault, alert_delete_rows=100)
        _wait(lambda: "watch" in Process(own_stack.folder).reported())
        yield own_stack
        agent.destroy()


@pytest.fixture
def agent(house: LocalStack) -> Process:
    """The agent, running."""
    running = Process(house.folder)
    running.start()
    return running


@pytest.fixture
def ada(house: LocalStack) -> Iterator[psycopg.Connection[Any]]:
    with house.sign_in("ada", application_name="psql") as session:
        session.execute("SET ROLE app_owner")
        yield session


@pytest.fixture
def table(ada: psycopg.Connection[Any]) -> str:
    """A table of the test's own, with 150 rows."""
    name = f"app.t{time.monotonic_ns()}"
    run(ada, f"CREATE TABLE {name} AS SELECT n FROM generate_series(1, 150) AS n")
    run(ada, f"SET strongroom.confirm = 'drop table {name}'")
    return name


def run(session: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        session.execute(statement.encode())


def _wait(condition: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def _kill(agent: Process) -> None:
    process = _wait(agent.process)
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def raised(house: LocalStack, kind: str, word: str) -> list[Alert]:
    """The alerts of a kind in which a word stands."""
    return [
        each.alert
        for each in alerts.kept(house.folder)
        if each.alert.kind == kind and word in f"{each.alert.title} {each.alert.facts}"
    ]


def told(house: LocalStack, kind: str, word: str, seconds: float = SOON) -> Alert:
    return _wait(lambda: raised(house, kind, word), seconds)[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("watch.table-dropped", "DROP TABLE {}"),
        ("watch.truncate", "TRUNCATE {}"),
        ("watch.mass-delete", "DELETE FROM {}"),
        ("watch.mass-delete", "DELETE FROM {} WHERE n > 20"),
    ],
)
def test_what_is_lost_is_told_within_seconds_with_who_where_and_what(
    house: LocalStack,
    agent: Process,
    ada: psycopg.Connection[Any],
    table: str,
    kind: str,
    statement: str,
) -> None:
    run(ada, statement.format(table))
    facts = told(house, kind, table).facts
    assert facts["who"] == "ada"
    assert facts["address"].startswith("127.0.0.1:")
    assert (facts["application"], facts["database"]) == ("psql", "app")
    assert facts["statement"] == statement.format(table)
    assert facts["lsn"]
    assert facts["recover before"]
    assert facts["transaction"]


def test_a_dropped_database_and_who_opened_root_are_told(house: LocalStack, agent: Process) -> None:
    with house.root("postgres") as root:
        run(root, "SET application_name = 'break-glass ada DRILL-1 4a119ef7'")
        run(root, "CREATE DATABASE passing", "DROP DATABASE passing")
    facts = told(house, "watch.database-dropped", "passing").facts
    assert facts["who"] == "root, opened by ada (DRILL-1)"
    assert (facts["address"], facts["statement"]) == ("[local]", "DROP DATABASE passing")


def test_a_dropped_schema_is_told_also_when_it_was_empty(house: LocalStack, agent: Process) -> None:
    with house.sign_in("provisioner", application_name="psql") as session:
        run(session, "CREATE SCHEMA hollow", "DROP SCHEMA hollow")
    assert told(house, "watch.schema-dropped", "hollow").facts["who"] == "provisioner"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE esra SET statement_timeout = 0",
        "ALTER ROLE esra PASSWORD 'very-secret-word'",
        "GRANT tier_full TO esra",
        "REVOKE tier_full FROM esra",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT DELETE ON TABLES TO esra",
    ],
)
def test_rights_changed_by_hand_are_told_without_a_password(
    house: LocalStack, agent: Process, statement: str
) -> None:
    with house.sign_in("provisioner", application_name="pgcli") as session:
        run(session, statement)
    facts = told(house, "watch.role-change", statement[:22]).facts
    assert (facts["who"], facts["application"]) == ("provisioner", "pgcli")
    assert facts["lsn"]
    assert "very-secret-word" not in alerts.file_of(house.folder).read_text()
    assert "very-secret-word" not in agent.log.read_text()


def test_attempts_that_were_refused_are_told_and_a_loop_does_not_flood(
    house: LocalStack, agent: Process, table: str
) -> None:
    with house.sign_in("ada", application_name="script") as session:
        for _ in range(30):
            for statement in ("DROP DATABASE app", "SET ROLE app_owner", f"DROP TABLE {table}"):
                with suppress(psycopg.errors.InsufficientPrivilege):
                    run(session, statement)
            run(session, "RESET ROLE")
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        house.sign_in("root")
    told(house, "watch.refused", "Sign-in refused")
    assert told(house, "watch.refused", "DROP DATABASE app").text.startswith("must be owner")
    told(house, "watch.refused", table)
    time.sleep(2)
    assert len(raised(house, "watch.refused", "DROP DATABASE app")) == 3


def test_work_of_strongroom_itself_is_nobodys_news(house: LocalStack, agent: Process) -> None:
    count = len(alerts.kept(house.folder))
    house.primary.up(mass_change_rows=50)
    house.primary.up(mass_change_rows=0)
    Rotation(LocalRoot(house.cluster)).run()
    with house.sign_in("provisioner", application_name="strongroom") as session:
        run(session, "GRANT tier_full TO esra", "REVOKE tier_full FROM esra")
    time.sleep(3.5)
    assert [each.alert.title for each in alerts.kept(house.folder)[count:]] == []


def test_what_happens_while_the_agent_is_down_is_told_when_it_starts_and_once(
    house: LocalStack, agent: Process, ada: psycopg.Connection[Any], table: str
) -> None:
    agent.stop()
    run(ada, f"TRUNCATE {table}", f"GRANT SELECT ON {table} TO web")
    with house.root() as root:
        run(root, "SELECT pg_switch_wal()")
    agent.start()
    told(house, "watch.truncate", table, 15)
    told(house, "watch.role-change", table, 15)
    for _ in range(2):
        _kill(agent)
        agent.start()
    time.sleep(2.5)
    assert len(raised(house, "watch.truncate", table)) == 1
    assert len(raised(house, "watch.role-change", table)) == 1


def test_an_agent_killed_between_event_and_alert_leaves_it_to_the_next_one(
    house: LocalStack, agent: Process, ada: psycopg.Connection[Any], table: str
) -> None:
    process = _wait(agent.process)
    process.suspend()
    before = (house.folder / "watch.json").read_text()
    run(ada, f"DELETE FROM {table}")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert raised(house, "watch.mass-delete", table) == []
    agent.start()
    told(house, "watch.mass-delete", table, 15)
    _kill(agent)
    # As if it had been killed after the alert and before it noted how far it had come.
    (house.folder / "watch.json").write_text(before)
    agent.start()
    _wait(lambda: (house.folder / "watch.json").read_text() != before)
    time.sleep(1)
    assert len(raised(house, "watch.mass-delete", table)) == 1


def test_a_webhook_that_was_down_got_everything_in_slacks_form(
    house: LocalStack, agent: Process, hook: Hook
) -> None:
    _wait(lambda: not [each for each in alerts.kept(house.folder) if each.problem], 70)
    bodies = [body.decode() for _, _, body in hook.received]
    assert any("Truncate on" in body and '"text"' in body for body in bodies)


def test_a_heart_that_stops_is_told_once_and_when_it_beats_again(
    house: LocalStack, agent: Process
) -> None:
    house.cluster.stop()
    trouble = _wait(lambda: raised(house, "watch.trouble", "heartbeat"), 45)
    house.primary.up()
    assert _wait(lambda: raised(house, "watch.well", "heartbeat"), 30)
    assert len(trouble) == 1
