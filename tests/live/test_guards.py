"""The guard against dropping: who is stopped, by what, and what is free."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from strongroom.bootstrap.borrowing import borrowed
from tests.live.conftest import Session
from tests.live.guarding import tried
from tests.live.local_stack import LocalStack, refusal

pytestmark = pytest.mark.live
BOTH_KINDS_OF_ROOT = True

_CAST = r"""
CREATE SCHEMA aside;
CREATE TABLE aside.free (id int PRIMARY KEY);
CREATE TABLE app.plain (id int);
CREATE TABLE app.other (id int REFERENCES aside.free);
CREATE TABLE app."Mixed; Case" (id int);
CREATE TABLE app."MIXED; CASE" (id int);
CREATE MATERIALIZED VIEW app.summary AS SELECT count(*) FROM app.plain;
CREATE VIEW app.shown AS SELECT * FROM app.plain;
CREATE TYPE app.shape AS (x int, y int);
CREATE TABLE app.typed OF app.shape;
CREATE TABLE aside.whole (id int) PARTITION BY RANGE (id);
CREATE TABLE app.part PARTITION OF aside.whole FOR VALUES FROM (0) TO (10);
CREATE TABLE aside.parent (id int);
CREATE TABLE app.child () INHERITS (aside.parent);
CREATE FUNCTION app.plain_function() RETURNS int LANGUAGE sql RETURN 1;
CREATE SERVER files FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE app.foreign_rows (line text) SERVER files;
"""


@pytest.fixture
def cast(root: Session) -> Iterator[Session]:
    """Root in a transaction of its own with something of everything, undone at the end.

    Event triggers treat root like anybody: what stops root stops everyone.
    """
    with root.transaction(force_rollback=True):
        root.execute("CREATE EXTENSION postgres_fdw")
        root.execute(_CAST.encode())
        # Schemas are the provisioner's, and a master drops them only as who owns them.
        with borrowed(root, "provisioner"):
            yield root


#: A schema whose name needs every kind of quoting.
ODD = 'It\'s "odd"; Case'

#: A statement that would lose something guarded, and the name under which it is allowed.
GUARDED = [
    ("DROP TABLE app.plain CASCADE", "drop table app.plain"),
    ("DROP TABLE IF EXISTS app.plain CASCADE", "drop table app.plain"),
    ("DROP TABLE app.other, app.typed", "drop table app.other; drop table app.typed"),
    ('DROP TABLE app."Mixed; Case"', 'drop table app."Mixed; Case"'),
    ("DROP MATERIALIZED VIEW app.summary", "drop materialized view app.summary"),
    ("DROP FOREIGN TABLE app.foreign_rows", "drop foreign table app.foreign_rows"),
    ("DROP SERVER files CASCADE", "drop server files"),
    ("DROP EXTENSION postgres_fdw CASCADE", "drop extension postgres_fdw"),
    ("DROP SCHEMA app CASCADE", "drop schema app"),
    ("DROP TYPE app.shape CASCADE", "drop type app.shape"),
    ("DROP TABLE aside.whole", "drop table aside.whole"),
    ("DROP TABLE aside.parent CASCADE", "drop table aside.parent"),
    ("DO $$ BEGIN DROP TABLE app.other; END $$", "drop table app.other"),
]


@pytest.mark.parametrize(("statement", "name"), GUARDED)
def test_what_is_under_guard_is_dropped_only_by_a_session_that_named_it(
    cast: Session, statement: str, name: str
) -> None:
    stopped = tried(cast, statement)
    assert stopped is not None
    assert stopped.diag.message_primary is not None
    assert stopped.diag.message_primary.startswith("Strongroom stopped this DROP ")
    assert "named it" in (stopped.diag.message_detail or "")
    assert stopped.diag.message_hint == f"If you mean it: SET strongroom.confirm = '{name}';"
    assert tried(cast, statement, confirm=name) is None


@pytest.mark.parametrize(
    "confirm",
    [
        "drop table app.plain2",
        "drop table plain",
        "app.plain",
        "drop table app",
        "drop table app.plain cascade",
        "drop table app.pla; in",
        "drop view app.plain",
        "yes",
        '"drop table app.plain"',
        "drop table app.plain; drop table app.other".replace(";", ","),
    ],
)
def test_a_name_that_is_not_exact_confirms_nothing(cast: Session, confirm: str) -> None:
    assert tried(cast, "DROP TABLE app.plain CASCADE", confirm) is not None


def test_one_of_two_names_does_not_confirm_both(cast: Session) -> None:
    statement = "DROP TABLE app.other, app.typed"
    assert tried(cast, statement, "drop table app.other") is not None
    both = " DROP TABLE app.typed ;; drop table APP.OTHER;"
    assert tried(cast, statement, both) is None


def test_names_in_quotes_differ_by_case(cast: Session) -> None:
    confirm = 'drop table app."Mixed; Case"'
    assert tried(cast, 'DROP TABLE app."MIXED; CASE"', confirm) is not None
    assert tried(cast, 'DROP TABLE app."Mixed; Case"', confirm) is None


FREE = [
    "DROP TABLE aside.free CASCADE",
    "DROP SCHEMA aside CASCADE; CREATE SCHEMA aside",
    "DROP VIEW app.shown",
    "DROP FUNCTION app.plain_function()",
    "REFRESH MATERIALIZED VIEW app.summary",
    "CREATE INDEX i ON app.plain (id); DROP INDEX app.i",
    "CREATE TEMP TABLE t (id int); DROP TABLE t",
    "CREATE TEMP TABLE plain (id int) ON COMMIT DROP; DROP TABLE plain",
    "ALTER TABLE app.other ALTER COLUMN id TYPE bigint USING id + 1",
    "CLUSTER app.before USING before_pkey",
    "ALTER TABLE app.plain ADD PRIMARY KEY (id); ALTER TABLE app.plain DROP CONSTRAINT plain_pkey",
    "TRUNCATE app.plain",
    "ALTER TABLE aside.whole DETACH PARTITION app.part",
]


@pytest.mark.parametrize("statement", [text for text in FREE if "aside CASCADE" not in text])
def test_what_is_not_guarded_and_what_loses_no_table_is_free(cast: Session, statement: str) -> None:
    assert tried(cast, statement) is None


def test_a_cascade_out_of_an_unguarded_schema_is_stopped_at_the_guarded_one(cast: Session) -> None:
    stopped = tried(cast, "DROP SCHEMA aside CASCADE")
    assert stopped is not None
    assert "app.child, app.part" in (stopped.diag.message_primary or "")


def test_the_guard_fires_in_replication_mode_too(cast: Session) -> None:
    cast.execute("SET LOCAL session_replication_role = replica")
    assert tried(cast, "DROP TABLE app.plain CASCADE") is not None


def test_a_senior_drops_a_table_by_naming_it_and_only_in_that_transaction(
    stack: LocalStack, session_of: Callable[[str], Session]
) -> None:
    ada = session_of("ada")
    ada.execute("SET ROLE app_owner")
    ada.execute("CREATE TABLE app.passing (id int)")
    ada.execute("CREATE TABLE app.staying (id int)")
    with ada.transaction():
        ada.execute(
            "SET LOCAL strongroom.confirm = 'drop table app.passing; drop table app.staying'"
        )
        ada.execute("DROP TABLE app.passing")
    assert "it would lose app.staying" in refusal(ada, "DROP TABLE app.staying")
    ada.execute("SET strongroom.confirm = 'drop table app.staying'")
    ada.execute("DROP TABLE app.staying")


def test_drop_owned_is_refused_to_people_even_when_they_name_it(
    session_of: Callable[[str], Session],
) -> None:
    for person in ("ada", "chiara", "esra", "web"):
        for owner in ("tier_reader", "CURRENT_USER"):
            session = session_of(person)
            session.execute("SET strongroom.confirm = 'drop owned'")
            refused = refusal(session, f"DROP OWNED BY {owner}", undo=True)
            assert refused, (person, owner)


def test_the_provisioner_ends_a_leavers_role_but_cannot_drop_app_owners_tables_that_way(
    stack: LocalStack,
) -> None:
    with stack.sign_in("provisioner") as provisioner:
        provisioner.execute("CREATE ROLE leaver LOGIN IN ROLE tier_reader")
        provisioner.execute("GRANT leaver TO provisioner WITH INHERIT TRUE")
        with stack.sign_in("leaver") as leaver:
            # Two things anybody may leave behind, and which keep a role from being dropped.
            leaver.execute("SELECT lo_create(0)")
            leaver.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
        provisioner.execute("DROP OWNED BY leaver")
        provisioner.execute("DROP ROLE leaver")
        refused = refusal(provisioner, "DROP OWNED BY app_owner CASCADE", undo=True)
        assert "Strongroom stopped this DROP OWNED: it would lose app.after, app.before" in refused


def test_drop_owned_is_refused_to_root_too_until_it_is_named(root: Session) -> None:
    refused = refusal(root, "DROP OWNED BY tier_reader", undo=True)
    assert "it would lose everything a role owns" in refused
    assert "SET strongroom.confirm = 'drop owned'" in refused
    statements = ("SET LOCAL strongroom.confirm = 'drop owned'", "DROP OWNED BY tier_reader")
    # RDS's master has not the rights of roles that others made, so PostgreSQL stops it still.
    assert "Strongroom" not in refusal(root, *statements, undo=True)


def test_strongrooms_own_schema_is_not_dropped_by_accident(cast: Session) -> None:
    for statement in ("DROP SCHEMA strongroom", "DROP TABLE strongroom.guarded_schema"):
        with pytest.raises(psycopg.Error):
            tried(cast, statement)
    cast.execute("CREATE TABLE strongroom.more (id int)")
    assert tried(cast, "DROP TABLE strongroom.more") is not None


def test_a_guard_that_root_dropped_whole_is_noticed_and_put_back(own_stack: LocalStack) -> None:
    # No event trigger can stop this: the triggers go with the schema before they could fire.
    with own_stack.root() as root:
        root.execute("DROP SCHEMA strongroom CASCADE")
    drift = own_stack.primary.refresh()
    assert any("guard strongroom_drop" in sentence for sentence in drift)
    assert "the list of guarded schemas is missing" in drift
    own_stack.primary.up()
    assert own_stack.primary.refresh() == []


def test_a_schema_that_is_no_longer_guarded_is_free_and_a_new_one_is_guarded(
    own_stack: LocalStack,
) -> None:
    own_stack.primary.up(guarded_schemas=["new", ODD])
    with own_stack.root() as root:
        for schema in ("app", "new", ODD):
            root.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            root.execute(sql.SQL("CREATE TABLE {} ()").format(sql.Identifier(schema, "t")))
        assert refusal(root, "DROP TABLE app.t") == ""
        assert refusal(root, "DROP TABLE new.t")
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as stopped:
            root.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(ODD, "t")))
        hint = stopped.value.diag.message_hint or ""
        root.execute(hint.removeprefix("If you mean it: ").encode())
        root.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(ODD, "t")))
    own_stack.primary.up(guarded_schemas=[])
    with own_stack.root() as root:
        assert refusal(root, "DROP TABLE new.t") == ""
