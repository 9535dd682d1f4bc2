"""Who dropped, emptied or deleted from a table: on a real server, from its log and WAL."""

import time
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from strongroom.incident.events import Kind
from tests.live.incident.scene import Search, only, record_at, run
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live

DAY = f"postgresql-{datetime.now(UTC):%Y-%m-%d}.json"


def test_a_dropped_table_is_named_with_who_when_and_where_recovery_has_to_stop(
    house: LocalStack, ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    before = datetime.now(UTC)
    run(ada, f"/* spring */ Drop Table {table}")
    event = only(search())
    assert (event.kind, event.what, event.database) == (Kind.TABLE, (table,), "app")
    assert event.culprit is not None
    session = event.culprit.session
    assert (session.role, session.address, session.application) == ("ada", "127.0.0.1", "psql")
    assert session.port
    assert event.culprit.statement == f"/* spring */ Drop Table {table}"
    assert before <= event.time <= datetime.now(UTC)
    assert event.stop_lsn == event.commit_lsn
    assert DAY in event.sources
    assert event.unknown == ()
    commit = record_at(house, event.stop_lsn)
    assert f"tx: {event.transaction:10}," in commit
    assert "COMMIT" in commit
    assert "rels: base/" in commit


def test_a_drop_in_a_part_of_a_transaction_is_found(
    ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    statements = ("BEGIN", f"INSERT INTO {table} VALUES (0)", "SAVEPOINT s", f"DROP TABLE {table}")
    for statement in (*statements, "RELEASE s", "COMMIT"):
        run(ada, statement)
    event = only(search(every=True))
    assert (event.kind, event.what) == (Kind.TABLE, (table,))


def test_a_truncate_by_a_service_is_named_by_its_session_that_is_still_open(
    service: psycopg.Connection[Any], table: str, search: Search
) -> None:
    run(service, f"TRUNCATE {table}")
    event = only(search())
    assert (event.kind, event.what, event.database) == (Kind.TRUNCATE, (table,), "app")
    assert event.culprit is not None
    assert event.culprit.session.role == "migrator"
    assert event.culprit.statement == f"TRUNCATE {table}"
    assert "pg_stat_activity" in event.sources


def test_a_mass_delete_is_counted_and_named_inside_a_transaction_too(
    ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    for statement in ("BEGIN", f"DELETE FROM {table} WHERE id <= 1200", "COMMIT"):
        run(ada, statement)
    assert search(least=1201).events == ()
    event = only(search(least=1200))
    assert (event.kind, event.what, event.rows) == (Kind.DELETE, (table,), 1200)
    assert event.culprit is not None
    assert event.culprit.session.role == "ada"
    assert event.culprit.statement == f"DELETE FROM {table} WHERE id <= 1200"
    assert event.unknown == ()
    assert event.stop_lsn == event.commit_lsn


def test_who_deleted_a_few_rows_before_and_is_still_there_is_not_accused(
    house: LocalStack, ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    run(ada, f"GRANT SELECT, DELETE ON {table} TO chiara")
    with house.sign_in("chiara") as chiara:
        run(chiara, f"DELETE FROM {table} WHERE id = 1")
        run(ada, f"DELETE FROM {table}")
        event = only(search())
    assert event.culprit is not None
    assert (event.culprit.session.role, event.unknown) == ("ada", ())


def test_what_no_log_tells_names_who_was_there_and_says_that_it_does(
    house: LocalStack, service: psycopg.Connection[Any], table: str, search: Search
) -> None:
    with house.sign_in("web", application_name="shop"), house.root() as root:
        run(root, "SELECT 'root runs nothing that is not in the log'")
        house.sign_in("chiara").close()
        time.sleep(0.2)  # her process needs a moment to leave
        run(service, f"TRUNCATE {table}")
        run(service, "SELECT 1")
        event = only(search())
    assert event.culprit is None
    assert {one.session.role for one in event.suspects} >= {"migrator", "web"}
    assert not {"chiara", "root"} & {one.session.role for one in event.suspects}
    assert all(one.statement is None for one in event.suspects)
    assert "not known for certain" in event.unknown[0]


def test_the_only_session_that_was_there_is_named_as_a_conclusion(
    service: psycopg.Connection[Any],
    ada: psycopg.Connection[Any],
    table: str,
    search: Search,
) -> None:
    ada.close()
    time.sleep(0.2)
    run(service, f"TRUNCATE {table}")
    service.close()
    event = only(search())
    assert event.culprit is not None
    assert event.culprit.session.role == "migrator"
    assert event.culprit.statement is None
    assert "concluded from this being the only session open then" in event.unknown[0]


def test_a_do_block_of_an_engineer_is_named_by_what_its_session_ran_last(
    ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    block = f"DO $$ BEGIN EXECUTE 'drop ' || 'table {table}'; END $$"
    run(ada, block)
    event = only(search())
    assert event.kind is Kind.TABLE
    assert event.culprit is not None
    assert (event.culprit.session.role, event.culprit.statement) == ("ada", block)
    assert "relation number" in event.what[0]
    assert "numbers in place of names" in event.unknown[-1]


def test_a_do_block_of_root_is_in_the_log_even_when_the_session_is_gone(
    house: LocalStack, table: str, search: Search
) -> None:
    block = f"do $$ begin execute 'truncate {table}'; end $$"
    with house.root() as root:
        run(root, block)
    event = only(search())
    assert (event.kind, event.what) == (Kind.TRUNCATE, (table,))
    assert event.culprit is not None
    assert (event.culprit.session.role, event.culprit.statement) == ("root", block)


def test_a_person_who_opened_root_by_break_glass_is_named(
    house: LocalStack, table: str, search: Search
) -> None:
    with house.root() as root:
        run(root, "SET application_name = 'break-glass chiara INC-42 0badcafe'")
        run(root, f"TRUNCATE {table}; SELECT 1")
    event = only(search())
    assert event.culprit is not None
    assert event.culprit.session.person == "chiara (INC-42)"
    assert event.dump()["culprit"]["person"] == "chiara (INC-42)"


def test_a_dropped_schema_is_one_event_with_all_that_was_in_it(
    house: LocalStack, search: Search
) -> None:
    with house.root() as root:
        run(root, "CREATE SCHEMA two; CREATE TABLE two.a (i int); CREATE TABLE two.b (i int)")
        run(root, "-- tidy up\nDROP SCHEMA IF EXISTS two CASCADE")
    event = only(search(every=True))
    assert (event.kind, event.what) == (Kind.SCHEMA, ("two",))


def test_a_schema_without_tables_is_found_too(house: LocalStack, search: Search) -> None:
    with house.root() as root:
        run(root, "CREATE SCHEMA bare; CREATE VIEW bare.one AS SELECT 1 AS x")
        run(root, "BEGIN")
        run(root, "DROP SCHEMA bare CASCADE")
        run(root, "ROLLBACK")
        assert search(every=True).events == ()
        run(root, "DROP SCHEMA bare CASCADE")
    event = only(search(every=True))
    assert (event.kind, event.what, event.database) == (Kind.SCHEMA, ("bare",), "app")
    assert event.stop_lsn == event.commit_lsn


def test_of_two_in_a_row_the_latest_comes_first(
    house: LocalStack, ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    with house.root() as root:
        run(root, "CREATE TABLE app.second (id int); TRUNCATE app.second")
        run(ada, f"DROP TABLE {table}")
        run(root, "INSERT INTO app.second VALUES (1)")
        run(root, "TRUNCATE app.second RESTART IDENTITY")
    assert only(search()).what == ("app.second",)
    newest, older = search(every=True).events
    assert (newest.kind, newest.what) == (Kind.TRUNCATE, ("app.second",))
    assert (older.kind, older.what) == (Kind.TABLE, (table,))
    assert older.culprit is not None
    assert older.culprit.session.role == "ada"
    assert newest.time > older.time


def test_several_statements_in_one_are_one_event_with_the_gravest_kind(
    house: LocalStack, table: str, search: Search
) -> None:
    with house.root() as root:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(root, f"TRUNCATE app.before; DROP TABLE {table}")
        run(root, f"SET strongroom.confirm = 'drop table {table}'")
        run(root, f"DELETE FROM app.before; DROP TABLE {table}")
    event = only(search(every=True))
    assert (event.kind, event.what) == (Kind.TABLE, (table,))


def test_a_session_that_was_ended_to_make_way_is_listed(
    house: LocalStack, ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    web = house.sign_in("web", application_name="shop")
    run(web, "BEGIN; INSERT INTO app.before (body) VALUES ('half')")
    with house.root() as root:
        run(
            root,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'web'",
        )
        run(ada, f"DROP TABLE {table}")
    web.close()
    (cut,) = only(search()).cut_off
    assert (cut.session.role, cut.session.application) == ("web", "shop")
    assert cut.state == "idle in transaction"
    assert cut.transaction


def test_a_server_that_is_stopped_is_told_of_by_its_files(
    house: LocalStack, ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    run(ada, f"DROP TABLE {table}")
    house.cluster.stop()
    try:
        event = only(search())
    finally:
        house.cluster.start()
    assert (event.kind, event.what, event.database) == (Kind.TABLE, (table,), "app")
    assert event.culprit is not None
    assert event.culprit.session.role == "ada"
    assert all(cut.at < event.time for cut in event.cut_off)


def test_a_drop_long_after_segments_that_were_left_half_empty_is_found(
    house: LocalStack, search: Search, ada: psycopg.Connection[Any], table: str
) -> None:
    # An early lock makes the search begin early, and 64 MB on it comes to an empty place.
    run(ada, f"ALTER TABLE {table} ADD COLUMN early int")
    with house.root() as root:
        for _ in range(7):
            root.execute("CREATE TABLE IF NOT EXISTS passing (id int)")
            root.execute("INSERT INTO passing VALUES (1)")
            root.execute("SELECT pg_switch_wal()")
    run(ada, f"SET strongroom.confirm = 'drop table {table}'")
    run(ada, f"DROP TABLE {table}")
    event = only(search())
    assert event.what == (table,)
    assert event.stop_lsn is not None
