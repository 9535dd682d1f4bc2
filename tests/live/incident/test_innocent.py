"""Work that loses nothing, or never came to be, accuses nobody."""

from typing import Any

import psycopg
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.incident.events import Kind
from tests.live.incident.scene import Search, only, record_at, run
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live

_HARMLESS = """
CREATE TABLE app.work (id int PRIMARY KEY, body text)
INSERT INTO app.work SELECT n, repeat('x', 3000) FROM generate_series(1, 2000) AS n
CREATE MATERIALIZED VIEW app.seen AS SELECT count(*) FROM app.work
CREATE INDEX work_body ON app.work (left(body, 9))
VACUUM FULL app.work
CLUSTER app.work USING work_pkey
REINDEX TABLE app.work
REINDEX TABLE CONCURRENTLY app.work
ALTER TABLE app.work ALTER body TYPE varchar(4000) USING body || 'y'
REFRESH MATERIALIZED VIEW app.seen
DROP INDEX app.work_body
UPDATE app.work SET body = 'y'
CREATE TEMP TABLE mine AS SELECT * FROM app.work
TRUNCATE mine
DROP TABLE mine
CREATE SEQUENCE app.counter
ALTER SEQUENCE app.counter RESTART
DROP SEQUENCE app.counter
BEGIN; CREATE TABLE app.brief AS SELECT 1 AS x; TRUNCATE app.brief; DROP TABLE app.brief; COMMIT
DELETE FROM app.work WHERE id < 100
DROP TABLE IF EXISTS app.never_there
CREATE TABLE app.empty (id int)
VACUUM FULL app.empty
SELECT 'drop table app.work; truncate app.work'
"""


def test_a_refused_drop_accuses_nobody(
    ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    ada.execute("RESET strongroom.confirm")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(ada, f"DROP TABLE {table}")
    assert search().events == ()


def test_what_was_rolled_back_accuses_nobody(
    ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    for statement in ("BEGIN", f"DROP TABLE {table}", "ROLLBACK"):
        run(ada, statement)
    for statement in ("BEGIN", f"DELETE FROM {table}", "ROLLBACK"):
        run(ada, statement)
    for statement in ("BEGIN", "SAVEPOINT s", f"TRUNCATE {table}", f"DROP TABLE {table}"):
        run(ada, statement)
    # The commit brings all of it to the disk.
    for statement in ("ROLLBACK TO s", "CREATE TABLE app.other ()", "COMMIT"):
        run(ada, statement)
    assert search(every=True).events == ()


def test_work_that_loses_nothing_accuses_nobody(house: LocalStack, search: Search) -> None:
    with house.root() as root:
        run(root, "SET strongroom.confirm = 'drop table app.brief'")
        for statement in _HARMLESS.strip().splitlines():
            run(root, statement)
    assert search(every=True).events == ()


def test_a_database_that_was_moved_accuses_nobody_and_one_that_was_dropped_does(
    house: LocalStack, search: Search
) -> None:
    with house.root("postgres") as root:
        run(root, "SET allow_in_place_tablespaces = on")
        for statement in (
            "CREATE TABLESPACE elsewhere LOCATION ''",
            "CREATE DATABASE moved",
            "ALTER DATABASE moved SET TABLESPACE elsewhere",
        ):
            run(root, statement)
        assert search(every=True).events == ()
        run(root, "DROP DATABASE moved")
        run(root, "DROP TABLESPACE elsewhere")
    event = only(search(every=True))
    assert (event.kind, event.what) == (Kind.DATABASE, ("moved",))
    assert "INPLACE" in record_at(house, event.stop_lsn)


def test_when_the_catalogs_were_moved_a_truncate_is_still_told_from_other_work(
    house: LocalStack, ada: psycopg.Connection[Any], table: str, search: Search
) -> None:
    with LocalRoot(house.cluster).connect("app") as root:
        root.execute("VACUUM FULL pg_class")
        root.execute("VACUUM FULL pg_type")
    assert search(every=True).events == ()
    run(ada, f"TRUNCATE {table}")
    assert only(search(every=True)).what == (table,)
