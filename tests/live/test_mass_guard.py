"""The optional guard against the statement that was meant for one row and takes them all."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.live.conftest import Session
from tests.live.local_stack import LocalStack, apply_model, refusal

pytestmark = pytest.mark.live
BOTH_KINDS_OF_ROOT = True

LIMIT = 50


@pytest.fixture(scope="module")
def watched(own_stack: LocalStack) -> LocalStack:
    """A stack with the model, and with the guard set to 50 rows; the tables hold 100."""
    apply_model(own_stack)
    own_stack.primary.up(mass_change_rows=LIMIT)
    assert own_stack.primary.refresh() == []
    return own_stack


@pytest.fixture
def ada(watched: LocalStack) -> Iterator[Session]:
    with watched.sign_in("ada") as session:
        yield session


#: A statement that takes too much, and the name under which it is allowed.
TOO_MUCH = [
    ("DELETE FROM app.before", "delete from app.before"),
    ("DELETE FROM app.before WHERE id > 0", "delete from app.before"),
    ("DELETE FROM app.before WHERE id <= 51", "delete from app.before"),
    ("UPDATE app.before SET body = 'all'", "update app.before"),
    ("UPDATE app.before SET body = 'all' WHERE true", "update app.before"),
    ("WITH gone AS (DELETE FROM app.before RETURNING *) SELECT count(*) FROM gone",
     "delete from app.before"),
    ("DO $$ BEGIN DELETE FROM app.before WHERE id > 0; END $$", "delete from app.before"),
    ("TRUNCATE app.before", "truncate app.before"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "name"), TOO_MUCH)
def test_a_statement_that_takes_too_much_is_undone_unless_it_was_named(
    ada: Session, statement: str, name: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as stopped:
        ada.execute(statement.encode())
    assert stopped.value.diag.message_hint == f"If you mean it: SET strongroom.confirm = '{name}';"
    assert ada.execute("SELECT count(*), count(*) FILTER (WHERE body LIKE 'row%') "
                       "FROM app.before").fetchone() == (100, 100)  # fmt: skip
    confirm = f"SET LOCAL strongroom.confirm = '{name}'"
    assert refusal(ada, confirm, statement, undo=True) == ""


FREE = [
    "DELETE FROM app.before WHERE id = 1",
    "DELETE FROM app.before WHERE id <= 50",
    "UPDATE app.before SET body = 'some' WHERE id <= 50",
    "UPDATE app.before SET body = 'none' WHERE false",
    "INSERT INTO app.before (body) SELECT 'more' FROM generate_series(1, 500)",
]


@pytest.mark.parametrize("statement", FREE)
def test_a_statement_within_bounds_is_free(ada: Session, statement: str) -> None:
    assert refusal(ada, statement, undo=True) == ""


def test_without_where_two_rows_are_too_many_and_one_is_not(ada: Session) -> None:
    few = "DELETE FROM app.before WHERE id > 2"
    confirm = "SET LOCAL strongroom.confirm = 'delete from app.before'"
    reset = "RESET strongroom.confirm"
    stopped = refusal(ada, confirm, few, reset, "UPDATE app.before SET body = 'x'", undo=True)
    assert "because it has no WHERE, every row of app.before" in stopped
    one = few.replace("2", "1")
    assert refusal(ada, confirm, one, reset, "UPDATE app.before SET body = 'x'", undo=True) == ""


def test_tables_made_or_moved_under_guard_later_are_watched_and_partitions_too(
    ada: Session, watched: LocalStack
) -> None:
    ada.execute("SET ROLE app_owner")
    ada.execute("CREATE TABLE app.later AS SELECT n FROM generate_series(1, 60) AS n")
    ada.execute("CREATE TABLE app.whole (n int) PARTITION BY RANGE (n)")
    ada.execute("CREATE TABLE app.part PARTITION OF app.whole FOR VALUES FROM (0) TO (100)")
    ada.execute("INSERT INTO app.whole SELECT n FROM generate_series(1, 60) AS n")
    for table in ("later", "whole", "part"):
        assert "more than 50 rows" in refusal(ada, f"DELETE FROM app.{table} WHERE n > 0"), table
    assert watched.primary.refresh() == []


def test_the_guard_is_not_disarmed_unnamed_on_one_table(ada: Session, watched: LocalStack) -> None:
    ada.execute("SET ROLE app_owner")
    for statement, asked in {
        "DROP TRIGGER strongroom_delete ON app.before":
            "drop trigger strongroom_delete on app.before",
        "ALTER TABLE app.before DISABLE TRIGGER strongroom_delete":
            "disable trigger strongroom_delete on app.before",
        "ALTER TABLE app.before DISABLE TRIGGER USER":
            "disable trigger strongroom_delete on app.before; disable trigger "
            "strongroom_truncate on app.before; disable trigger strongroom_update on app.before",
    }.items():  # fmt: skip
        assert f"SET strongroom.confirm = '{asked}'" in refusal(ada, statement, undo=True)
        confirm = f"SET LOCAL strongroom.confirm = '{asked}'"
        assert refusal(ada, confirm, statement, undo=True) == ""
    with watched.root() as root:
        root.execute("SET strongroom.confirm = 'disable trigger strongroom_update on app.before'")
        root.execute("ALTER TABLE app.before DISABLE TRIGGER strongroom_update")
    assert watched.primary.refresh() == [
        "the guard against mass changes is not as declared on 1 tables"
    ]
    watched.primary.up()
    assert watched.primary.refresh() == []


def test_what_a_statement_takes_by_cascade_counts_together(ada: Session) -> None:
    ada.execute("SET ROLE app_owner")
    ada.execute("CREATE TABLE app.parent (id int PRIMARY KEY)")
    ada.execute("CREATE TABLE app.child (id int REFERENCES app.parent ON DELETE CASCADE)")
    ada.execute("INSERT INTO app.parent VALUES (1), (2)")
    ada.execute("INSERT INTO app.child SELECT 1 + n % 2 FROM generate_series(1, 80) AS n")
    assert refusal(ada, "DELETE FROM app.parent WHERE id = 1", undo=True) == ""
    refused = refusal(ada, "DELETE FROM app.parent WHERE id <= 2")
    assert "more than 50 rows of app.child" in refused


def test_another_limit_replaces_the_first_and_none_leaves_nothing(watched: LocalStack) -> None:
    watched.primary.up(mass_change_rows=80)
    with watched.sign_in("ada") as ada:
        assert refusal(ada, "DELETE FROM app.before WHERE id <= 80", undo=True) == ""
        assert "80 rows" in refusal(ada, "DELETE FROM app.before WHERE id <= 81", undo=True)
        watched.primary.up(mass_change_rows=0)
        assert watched.primary.refresh() == []
        assert refusal(ada, "DELETE FROM app.before", undo=True) == ""
        row = ada.execute("SELECT count(*) FROM pg_trigger WHERE tgname ^@ 'strongroom_'")
        assert row.fetchone() == (0,)
    watched.primary.up(mass_change_rows=LIMIT)


def test_more_tables_than_one_transaction_can_lock_are_watched_and_let_go(
    watched: LocalStack,
) -> None:
    with watched.sign_in("ada") as ada:
        ada.execute("SET ROLE app_owner")
        watched.primary.up(mass_change_rows=0)
        # 40 connections of 64 locks each are what this server has.
        for first in range(0, 900, 300):
            ada.execute(
                f"DO $$ BEGIN FOR n IN {first}..{first + 299} LOOP "
                "EXECUTE format('CREATE TABLE app.many_%s (id int)', n); END LOOP; END $$"
            )
        watched.primary.up(mass_change_rows=LIMIT)
        assert watched.primary.refresh() == []
        watched.primary.up(mass_change_rows=0)
        assert watched.primary.refresh() == []
        for first in range(0, 900, 100):
            tables = [f"app.many_{n}" for n in range(first, first + 100)]
            named = "; ".join(f"drop table {table}" for table in tables)
            ada.execute(f"SET strongroom.confirm = '{named}'".encode())
            ada.execute(f"DROP TABLE {', '.join(tables)}".encode())
