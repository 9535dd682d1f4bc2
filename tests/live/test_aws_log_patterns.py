"""The patterns of the watch on AWS find what they are for, in the lines a real PostgreSQL writes.

The server has RDS's prefix of a line and the settings of our parameter group. It has no pgaudit:
its lines are samples, see tests/unit/test_aws_log_patterns.py.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest

from components.aws.log_patterns import HEARTBEAT, on_the_primary
from strongroom.bootstrap.rotation import Rotation
from strongroom.cluster import configuration
from strongroom.tiers import ROOT
from tests.conftest import end_server
from tests.live.local_stack import apply_model
from tests.live.master_stack import MasterStack
from tests.live.postgresql_server import Server, running_server
from tests.unit.cloudwatch_patterns import matches

pytestmark = pytest.mark.live

_SETTINGS = {
    "log_line_prefix": "%t:%r:%u@%d:[%p]:",
    "log_statement": "mod",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_timezone": "UTC",
}

_ROLES = """
CREATE ROLE ada LOGIN;
CREATE ROLE proxima LOGIN;
CREATE ROLE someone NOLOGIN;
GRANT CONNECT ON DATABASE app TO ada, proxima;
CREATE SCHEMA app AUTHORIZATION ada;
GRANT ada TO proxima;
GRANT CREATE, TEMPORARY ON DATABASE app TO ada;
CREATE TABLE public.closed (i int);
ALTER ROLE root SET log_statement = 'all';
"""

_MADE = """
CREATE TABLE app.t (a int, b int, c int);
CREATE TABLE app.u (a int);
CREATE VIEW app.v AS SELECT 1;
CREATE SCHEMA spare;
"""


class Logged:
    """A server, and what it logs of what is done."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._log: Path = server.folder / "log"

    def of(self, role: str, *statements: str, name: str = "psql", database: str = "app") -> str:
        """The lines of a session that does all this; what is refused stays undone."""
        before = self._log.stat().st_size
        certificate, key = self.server.certificate(role)
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(
                host="127.0.0.1", port=self.server.port, user=role, dbname=database,
                sslcert=str(certificate), sslkey=str(key), sslmode="verify-full",
                sslrootcert=str(self.server.ca), application_name=name, autocommit=True,
            ) as session,
        ):  # fmt: skip
            for statement in statements:
                with suppress(psycopg.Error):
                    session.execute(statement.encode(), prepare=False)
        with self._log.open() as log:
            log.seek(before)
            return log.read()

    @staticmethod
    def counted(lines: str) -> set[str]:
        """The metrics these lines count into."""
        return set().union(*(_counted(event) for event in _events(lines)))


def _events(lines: str) -> list[str]:
    """RDS hands over a statement's lines together."""
    return re.split(r"\n(?=\d{4}-\d\d-\d\d )", lines)


def _counted(event: str, *, across: bool = False) -> set[str]:
    return {
        each.metric for each in on_the_primary(ROOT) if matches(each.pattern, event, across=across)
    }


@pytest.fixture(scope="module")
def logged() -> Iterator[Logged]:
    with running_server() as server:
        with server.root() as root:
            for name, value in _SETTINGS.items():
                root.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            root.execute("SELECT pg_reload_conf()")
            root.execute(_ROLES.encode())
        found = Logged(server)
        # A session begins with the new settings once the server has read them.
        while "connection authorized" not in found.of("ada"):
            pass
        yield found


@pytest.fixture(scope="module")
def made(logged: Logged) -> Logged:
    logged.of("ada", *_MADE.strip().split("\n"))
    return logged


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE app.nothing",
        "drop table if exists app.nothing",
        "Drop View app.v",
        "DROP\n\tTABLE app.u",
        "/* tidy up */ DROP SCHEMA spare",
        "SELECT 1; DROP SCHEMA IF EXISTS spare CASCADE",
        "BEGIN;DROP TABLE app.t;ROLLBACK",
        "DROP DATABASE other",
        "TRUNCATE app.t",
        "truncate table app.t, app.u",
        "ALTER TABLE app.t DROP COLUMN b",
        "ALTER TABLE app.t ADD d int, drop column if exists c",
    ],
)
def test_what_destroys_is_found_however_it_is_written(made: Logged, statement: str) -> None:
    assert "Destroyed" in made.counted(made.of("ada", statement))


def test_what_a_prepared_statement_destroys_is_found(made: Logged) -> None:
    # psycopg binds parameters through the extended protocol, which is logged as "execute".
    lines = made.of("ada", "PREPARE p AS SELECT 1", "DEALLOCATE p")
    assert "Destroyed" not in made.counted(lines)
    certificate, key = made.server.certificate("ada")
    before = (made.server.folder / "log").stat().st_size
    with psycopg.connect(
        host="127.0.0.1", port=made.server.port, user="ada", dbname="app", autocommit=True,
        sslcert=str(certificate), sslkey=str(key),
    ) as session:  # fmt: skip
        session.execute("DROP TABLE IF EXISTS app.gone", prepare=True)
    lines = (made.server.folder / "log").read_text()[before:]
    assert "execute " in lines
    assert "Destroyed" in made.counted(lines)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE app.dropped (dropped_at timestamptz)",
        "INSERT INTO app.t VALUES (1)",
        "INSERT INTO app.u SELECT 1 WHERE 'a backdrop of truncated words' <> ''",
        "UPDATE app.t SET a = 2",
        "DELETE FROM app.t",
        "CREATE INDEX IF NOT EXISTS granted ON app.t (a)",
        "SELECT 'DROP TABLE app.t'",
        "SET ROLE ada",
        "CREATE TEMPORARY TABLE role_user (i int)",
    ],
)
def test_daily_work_counts_nothing(made: Logged, statement: str) -> None:
    assert made.counted(made.of("ada", statement)) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT SELECT ON app.t TO someone",
        "revoke select on app.t from someone",
        "CREATE ROLE mallory",
        "ALTER ROLE ada SET statement_timeout = 0",
        "alter user ada set search_path = app",
        "DROP ROLE someone",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT ALL ON TABLES TO someone",
        "REASSIGN OWNED BY ada TO someone",
        "DROP OWNED BY someone",
        "DROP EVENT TRIGGER strongroom_drop",
        "ALTER TABLE app.t OWNER TO proxima",
        "ALTER TABLE app.t DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE app.t DISABLE TRIGGER ALL",
        "CREATE POLICY open ON app.t USING (true)",
        "SELECT 1; GRANT ada TO someone",
        "/* provisioner@app: */ GRANT ada TO someone -- :provisioner@app:[1]:LOG: statement: GRANT",
    ],
)
def test_a_change_of_rights_is_found_and_not_taken_for_the_provisioners(
    made: Logged, statement: str
) -> None:
    for role in ("ada", "proxima"):
        counted = made.counted(made.of(role, statement))
        assert "Rights" in counted
        assert "RightsAsDeclared" not in counted


@pytest.mark.parametrize("role", ["provisioner", "root"])
def test_what_the_provisioner_and_root_change_is_counted_as_declared(
    made: Logged, role: str
) -> None:
    statements = (
        "CREATE ROLE eve NOLOGIN",
        "GRANT eve TO CURRENT_USER",
        "ALTER ROLE eve SET statement_timeout = '1min'",
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC",
        "DROP ROLE eve",
    )
    # Root has no certificate here: it comes through the socket, with the same prefix.
    for statement in statements:
        if role == "root":
            before = (made.server.folder / "log").stat().st_size
            with made.server.root() as session:
                session.execute(statement.encode())
            lines = (made.server.folder / "log").read_text()[before:]
        else:
            lines = made.of(role, statement)
        counted = made.counted(lines)
        assert {"Rights", "RightsAsDeclared"} <= counted, lines
        assert ("RootStatement" in counted) == (role == "root")
        assert "Destroyed" not in counted


def test_who_cannot_sign_in_is_found(made: Logged) -> None:
    for role, database in (("mallory", "app"), ("someone", "app"), ("nobody", "app")):
        assert made.counted(made.of(role, database=database)) == {"SignInFailed"}
    with suppress(psycopg.OperationalError):
        before = (made.server.folder / "log").stat().st_size
        psycopg.connect(host="127.0.0.1", port=made.server.port, user="ada", dbname="app").close()
    lines = (made.server.folder / "log").read_text()[before:]
    assert made.counted(lines) == {"SignInFailed"}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.closed",
        "SELECT * FROM pg_authid",
        "ALTER TABLE public.closed ADD b int",
        "ALTER SYSTEM SET work_mem = '1GB'",
    ],
)
def test_what_is_refused_is_found(made: Logged, statement: str) -> None:
    assert made.counted(made.of("ada", statement)) == {"Refused"}


def test_what_the_guard_stops_is_found(made: Logged) -> None:
    stops = "DO $$ BEGIN RAISE EXCEPTION 'Strongroom stopped this DROP TABLE: x'; END $$"
    assert made.counted(made.of("ada", stops)) == {"Stopped"}


def test_root_signing_in_is_told_unless_it_is_the_function(made: Logged) -> None:
    assert "RootSignedIn" in made.counted(made.of("root"))
    own = made.counted(made.of("root", name="strongroom"))
    assert "RootByFunction" in own
    assert "RootSignedIn" not in own
    # Somebody else of that name is somebody else.
    assert made.counted(made.of("ada", name="strongroom")) == set()
    assert "RootSignedIn" in made.counted(made.of("root", name="strongroom2"))


def test_the_heartbeats_line_is_found(made: Logged) -> None:
    assert made.counted(made.of("ada", f"DO $$ BEGIN RAISE LOG '{HEARTBEAT}'; END $$")) == {
        "Heartbeat"
    }


@pytest.fixture(scope="module")
def work(strongroom_home: Path) -> Iterator[list[str]]:
    """What is logged while a stack is made: root's function, the provisioner, a senior."""
    with patch.dict(configuration.FIXED, {"log_destination": "stderr", **_SETTINGS}):
        stack = MasterStack(strongroom_home).make()
    apply_model(stack)
    stack.primary.up(guarded_schemas=["app", "other"])
    Rotation(stack.master).run()
    (log,) = (stack.folder / "primary" / "log").glob("postgresql-*.log")
    yield _events(log.read_text())
    end_server(stack.folder / "primary")


@pytest.mark.parametrize("across", [False, True])
def test_whatever_a_stack_is_made_by_alarms_nobody(work: list[str], *, across: bool) -> None:
    declared = 0
    for event in work:
        counted = _counted(event, across=across)
        # RDS itself is not in the log of RDS.
        if ":rdsadmin@" in event:
            continue
        assert ("Rights" in counted) == ("RightsAsDeclared" in counted), event
        declared += "Rights" in counted
        assert counted <= {"Rights", "RightsAsDeclared", "RootStatement", "RootByFunction"}, event
    assert declared > 20
