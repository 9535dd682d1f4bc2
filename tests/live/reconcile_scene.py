"""Forms half saved at the moment a database is dropped, and who was saving them."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg

from strongroom.reconcile.noting import Noting, Scope
from strongroom.reconcile.remains import Remains
from strongroom.reconcile.report import reconcile
from strongroom.recovery.plan import Plan, Way
from strongroom.recovery.wal import Wal
from tests.live.local_stack import LocalStack, apply_model
from tests.live.recover_scene import Quiet, Scene

_TABLES = """
    SET ROLE app_owner;
    CREATE TYPE app.mood AS ENUM ('sad', 'glad');
    CREATE DOMAIN app.amount AS numeric(12, 2) CHECK (value >= 0);
    CREATE TABLE app.orders (id serial PRIMARY KEY, item text NOT NULL, gone int, note text);
    INSERT INTO app.orders (item, gone) SELECT 'item ' || n, n FROM generate_series(1, 500) AS n;
    SET strongroom.confirm = 'drop column app.orders.gone';
    ALTER TABLE app.orders DROP COLUMN gone;
    CREATE TABLE app.lines (
        order_id int REFERENCES app.orders (id), position smallint, sku text,
        PRIMARY KEY (order_id, position)
    );
    CREATE TABLE app.kinds (
        id uuid PRIMARY KEY, whole bigint, exact app.amount, about float8, yes boolean,
        name varchar(40), body text, bytes bytea, at timestamptz, day date, span interval,
        list int[], words text[], content jsonb, feeling app.mood, pair int4range, nothing text
    );
    CREATE TABLE app.keyless (said text);
    CREATE VIEW app.shown AS SELECT id FROM app.orders;
"""
#: A row of every common type; the body is long and does not compress, so it is kept aside.
KINDS = """
    INSERT INTO app.kinds
    SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 9007199254740993, 1234.50, 0.1, true,
           'named', string_agg(md5(n::text), ''), '\\xdeadbeef', '2026-11-23 09:00+00',
           '2026-11-23', '1 day 02:03:04', '{1,2,NULL}', '{"a b",c}', '{"k": [1, 2.50]}', 'glad',
           '[1,5)', NULL
    FROM generate_series(1, 400) AS n
"""
_CHIARA = (
    "UPDATE app.orders SET note = 'half' WHERE id = 7",
    "SAVEPOINT outside",
    "INSERT INTO app.orders (item) VALUES ('kept in its savepoint')",
    "SAVEPOINT inside",
    "INSERT INTO app.orders (item) VALUES ('taken back')",
    "ROLLBACK TO SAVEPOINT inside",
    "UPDATE app.orders SET note = 'half, again' WHERE id = 7",
    "INSERT INTO app.keyless VALUES ('nothing | to *hold* on to')",
)
_WEB = (
    "INSERT INTO app.orders (id, item) VALUES (900, 'form')",
    "INSERT INTO app.lines SELECT 900, n, 'sku ' || n FROM generate_series(1, 3) AS n",
    "SAVEPOINT released",
    "UPDATE app.lines SET sku = 'other' WHERE order_id = 900 AND position = 2",
    "RELEASE SAVEPOINT released",
)
_IN_TIME = (
    "INSERT INTO app.orders (id, item) VALUES (800, 'just in time')",
    "UPDATE app.orders SET note = 'kept' WHERE id = 1",
)


@dataclass
class Half:
    """What was under way when the database went, and what is told of it.

    Attributes:
        scene: the stack.
        way: how it came back.
        numbers: of the transactions, by who was at work.
        kinds: the row of every type, as its own session saw it.
        before: what is told before anything is recovered.
        unlogged: what is told when the log is lost as well.
        blind: what is told when the WAL is lost.
        plan: of the recovery.
        kept: what the recovery said to remember.
    """

    scene: Scene
    way: Way
    numbers: dict[str, int]
    kinds: dict[str, str | None]
    before: Remains
    unlogged: Remains
    blind: Remains
    plan: Plan
    kept: list[str]

    def remains(self, **how: Any) -> Remains:
        """What is reported now."""
        found = reconcile(self.scene.situation, "app", **how).remains
        assert found is not None
        return found


def half_saved(stack: LocalStack, way: Way) -> Half:
    """Begin forms, drop the database and recover it."""
    scene = Scene(stack, tables=False)
    apply_model(stack)
    with stack.sign_in("ada") as ada:
        ada.execute(_TABLES.encode())
    with ExitStack() as sessions:
        numbers, kinds = _begin(stack, sessions)
        scene.drop_database()
        plan = scene.plan(way=way)
        before = reconcile(scene.situation, "app").remains
        assert before is not None
        noting = Noting(scene.situation, plan.target or "", Scope("app"))
        log = stack.cluster.log
        away = log.rename(log.with_name("log-away"))
        unlogged = noting.remains(None)
        away.rename(log)
        lost = scene.situation
        # A situation whose WAL is nowhere.
        lost.__dict__["wal"] = Wal.within([], 1, stack.cluster.package, stack.cluster.user)
        blind = Noting(lost, plan.target or "", Scope("app")).remains(None)
        progress = Quiet()
        scene.recover(plan, progress)
    return Half(scene, way, numbers, kinds, before, unlogged, blind, plan, progress.kept)


def _begin(stack: LocalStack, sessions: ExitStack) -> tuple[dict[str, int], dict[str, str | None]]:
    """Everybody's work up to the moment; returns the transactions' numbers, and a row."""

    def begun(role: str, application: str) -> psycopg.Connection[Any]:
        opened = stack.sign_in(role, application_name=application)
        sessions.callback(opened.close)
        opened.execute("BEGIN")
        return opened

    numbers = {}
    chiara, web = begun("chiara", "psql"), begun("web", "forms")
    begun("esra", "report").execute("SELECT count(*) FROM app.orders")
    numbers["chiara"] = _run(chiara, *_CHIARA)
    numbers["web"] = _run(web, *_WEB)
    with web.cursor() as cursor, cursor.copy("COPY app.lines FROM STDIN") as copy:
        for position in range(11, 41):
            copy.write_row((900, position, "copied"))
    other = stack.root("other")
    sessions.callback(other.close)
    _run(other, "BEGIN", "INSERT INTO told VALUES ('open elsewhere')")
    with stack.root() as root, root.transaction():
        numbers["last"] = _run(root, *_IN_TIME)
    ada = begun("ada", "repair")
    numbers["ada"] = _run(ada, "DELETE FROM app.orders WHERE id = 9", "SET ROLE app_owner", KINDS)
    found = ada.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'app.kinds'::regclass AND attnum > 0"
    )
    columns = ", ".join(f"'{name}', {name}::text" for (name,) in found)
    row = ada.execute(f"SELECT json_build_object({columns}) FROM app.kinds".encode()).fetchone()
    assert row is not None
    return numbers, row[0]


def _run(session: psycopg.Connection[Any], *statements: str) -> int:
    """Run statements; returns the number of the transaction."""
    for statement in statements:
        session.execute(statement.encode())
    row = session.execute("SELECT pg_current_xact_id()::text::int").fetchone()
    assert row is not None
    return int(row[0])
