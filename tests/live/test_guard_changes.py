"""Guarded tables and schemas are not given away, moved out of guard or disarmed unnamed."""

import time
from collections.abc import Callable, Iterator

import pytest

from strongroom.bootstrap.borrowing import borrowed
from tests.live.conftest import Session
from tests.live.guarding import tried
from tests.live.local_stack import LocalStack, refusal
from tests.live.master_stack import MasterStack

pytestmark = pytest.mark.live
BOTH_KINDS_OF_ROOT = True

_CAST = """
CREATE SCHEMA aside;
CREATE TABLE app.plain (id int, note text);
CREATE MATERIALIZED VIEW app.summary AS SELECT count(*) FROM app.plain;
CREATE VIEW app.shown AS SELECT * FROM app.plain;
CREATE TABLE app.whole (id int) PARTITION BY RANGE (id);
CREATE TABLE app.part PARTITION OF app.whole FOR VALUES FROM (0) TO (10);
"""


@pytest.fixture
def cast(root: Session) -> Iterator[Session]:
    """Root in a transaction that is undone; what stops root stops everyone."""
    with root.transaction(force_rollback=True):
        root.execute(_CAST.encode())
        yield root


#: A statement, and the name under which it is allowed.
CHANGES = [
    ("ALTER TABLE app.before OWNER TO root", "change owner of table app.before"),
    ("ALTER TABLE app.before SET SCHEMA aside", "take table app.before out of guard"),
    ("ALTER TABLE app.plain SET SCHEMA aside", "take table app.plain out of guard"),
    (
        "ALTER MATERIALIZED VIEW app.summary SET SCHEMA aside",
        "take materialized view app.summary out of guard",
    ),
    ("ALTER TABLE app.part SET SCHEMA aside", "take table app.part out of guard"),
    (
        "DO $$ BEGIN ALTER TABLE app.plain SET SCHEMA aside; END $$",
        "take table app.plain out of guard",
    ),
    ("ALTER TABLE app.plain DROP COLUMN note", "drop column app.plain.note"),
    (
        "ALTER TABLE app.plain DROP COLUMN note, ADD COLUMN other int",
        "drop column app.plain.note",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "name"), CHANGES)
def test_what_is_under_guard_is_given_away_or_moved_only_when_it_was_named(
    cast: Session, statement: str, name: str
) -> None:
    # A column is not lost while a view holds on to it.
    cast.execute("DROP VIEW app.shown")
    stopped = tried(cast, statement)
    assert stopped is not None
    assert "Strongroom stopped this ALTER" in str(stopped)
    assert stopped.diag.message_hint == f"If you mean it: SET strongroom.confirm = '{name}';"
    assert tried(cast, statement, confirm=name) is None


def test_a_renamed_schema_would_take_everything_in_it_out_of_guard(cast: Session) -> None:
    # The schema is the provisioner's, and a master may rename it only as who owns it.
    with borrowed(cast, "provisioner"):
        stopped = tried(cast, "ALTER SCHEMA app RENAME TO other")
        assert stopped is not None
        hint = stopped.diag.message_hint or ""
        assert "take schema app out of guard" in hint
        assert "take table app.plain out of guard" in hint
        names = hint.removeprefix("If you mean it: SET strongroom.confirm = '").removesuffix("';")
        assert tried(cast, "ALTER SCHEMA app RENAME TO other", confirm=names) is None


FREE = [
    "ALTER TABLE app.plain OWNER TO app_owner",
    "ALTER TABLE app.plain RENAME TO renamed",
    "ALTER TABLE app.plain RENAME COLUMN note TO remark",
    "ALTER TABLE app.plain ADD COLUMN more int, ALTER COLUMN id SET NOT NULL",
    "ALTER TABLE app.whole DETACH PARTITION app.part",
    "ALTER VIEW app.shown SET SCHEMA aside",
    "CREATE TABLE aside.other (id int); ALTER TABLE aside.other SET SCHEMA app",
    "CREATE TABLE aside.other (id int, note text); ALTER TABLE aside.other DROP COLUMN note",
    "CREATE SCHEMA more; ALTER SCHEMA more RENAME TO less",
]


@pytest.mark.parametrize("statement", FREE)
def test_what_loses_nothing_and_gives_nothing_away_is_free(cast: Session, statement: str) -> None:
    assert tried(cast, statement) is None


def test_a_setting_of_ones_own_does_not_stand_for_what_was_there_before(cast: Session) -> None:
    cast.execute("SET LOCAL strongroom.before = '{}'")
    assert tried(cast, "ALTER TABLE app.plain SET SCHEMA aside") is not None


def test_a_senior_moves_no_table_out_of_guard_and_a_migration_drops_no_column_unnamed(
    stack: LocalStack, session_of: Callable[[str], Session]
) -> None:
    for person in ("ada", "migrator"):
        session = session_of(person)
        session.execute("SET ROLE app_owner")
        refused = refusal(session, "ALTER TABLE app.before DROP COLUMN body", undo=True)
        assert "it would lose app.before.body" in refused, person
        # Both would have to be members of each other, which nobody is.
        assert refusal(session, "REASSIGN OWNED BY app_owner TO ada", undo=True), person


def test_the_guards_own_functions_are_not_dropped_unnamed(cast: Session) -> None:
    for function in ("refuse_mass_change", "watch", "beat"):
        assert tried(cast, f"DROP FUNCTION strongroom.{function}") is not None
    assert tried(cast, "DROP FUNCTION strongroom.beat", "drop function strongroom.beat()") is None


def test_settings_that_would_blind_the_guards_are_told_and_taken_back(
    own_stack: LocalStack,
) -> None:
    with own_stack.superuser("postgres") as superuser:
        superuser.execute("ALTER DATABASE app SET event_triggers = off")
        superuser.execute("ALTER ROLE provisioner IN DATABASE app SET log_statement = 'none'")
    drift = own_stack.primary.refresh()
    assert any("database app keeps event_triggers=off, which would blind" in one for one in drift)
    assert any("role provisioner keeps log_statement=none" in one for one in drift)
    with own_stack.superuser("postgres") as superuser:
        # Only a superuser can set event_triggers, and so take it back where root is none.
        superuser.execute("ALTER DATABASE app RESET event_triggers")
    own_stack.primary.up()
    assert own_stack.primary.refresh() == []


def test_rights_over_the_whole_server_are_taken_from_people(own_stack: LocalStack) -> None:
    with own_stack.root("postgres") as root:
        root.execute("CREATE ROLE stranger LOGIN")
        root.execute("GRANT pg_monitor TO stranger")
    assert own_stack.primary.refresh() == [
        "stranger is in pg_monitor, which has rights over the whole server"
    ]
    own_stack.primary.up()
    assert own_stack.primary.refresh() == []


def test_what_root_does_and_who_changes_tables_is_in_the_servers_log(
    own_stack: LocalStack,
) -> None:
    with own_stack.root() as root:
        root.execute("SELECT 'seen-by-the-log'")
    deadline = time.monotonic() + 5  # another process writes it
    while "seen-by-the-log" not in own_stack.server_log():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_heart_beats_for_the_provisioner_only(
    stack: LocalStack, session_of: Callable[[str], Session]
) -> None:
    with stack.sign_in("provisioner") as provisioner:
        first = provisioner.execute("SELECT strongroom.beat()").fetchone()
        second = provisioner.execute("SELECT strongroom.beat()").fetchone()
        assert first is not None
        assert second is not None
        assert second[0] > first[0]
        rows = provisioner.execute("SELECT beat FROM strongroom.heartbeat").fetchall()
        assert rows == [second]
        assert refusal(provisioner, "DELETE FROM strongroom.heartbeat")
    assert "permission denied" in refusal(session_of("ada"), "SELECT strongroom.beat()")


def test_every_role_reads_which_environment_it_is_in_from_any_database(
    stack: LocalStack, session_of: Callable[[str], Session]
) -> None:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'app'"
    environment = "production" if isinstance(stack, MasterStack) else "local"
    for person in ("esra", "web", "ada"):
        row = session_of(person).execute(query).fetchone()
        assert row == (f"strongroom.environment={environment}",)
    with stack.root("postgres") as root:
        assert root.execute(query).fetchone() == (f"strongroom.environment={environment}",)
