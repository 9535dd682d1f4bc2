"""Single tables come back with everything that belongs to them, beside whatever is there."""

from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.recovery import event
from strongroom.recovery.abandoning import abandon
from tests.live.local_stack import LocalStack, apply_model
from tests.live.recover_scene import SWAP, Scene, Writer

pytestmark = [pytest.mark.live, pytest.mark.slow]

_DESCRIBED = """
    SELECT relkind::text, relname::text, pg_get_userbyid(relowner)::text,
           array(SELECT a::text FROM unnest(relacl) AS a ORDER BY 1),
           array(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
                 WHERE conrelid = c.oid ORDER BY 1),
           array(SELECT tgname::text FROM pg_trigger
                 WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY 1),
           CASE relkind WHEN 'i' THEN pg_get_indexdef(c.oid) WHEN 'v' THEN pg_get_viewdef(c.oid) END
    FROM pg_class AS c WHERE relnamespace = 'app'::regnamespace ORDER BY 1, 2
"""


def _described(scene: Scene) -> list[tuple[Any, ...]]:
    with scene.stack.root() as root:
        return root.execute(_DESCRIBED.encode()).fetchall()


def _drop(scene: Scene) -> None:
    with scene.stack.root() as root:
        root.execute("SET event_triggers = off")
        root.execute("DROP TABLE app.orders CASCADE")


def test_a_table_a_senior_dropped_is_put_back_in_its_place(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack, tables=False)
    apply_model(empty_stack)
    scene.make_tables()
    empty_stack.primary.up(mass_change_rows=100)  # with the guard's triggers on every table
    before = _described(scene)
    with Writer(scene) as writer:
        with empty_stack.sign_in("ada") as ada:
            ada.execute("SET ROLE app_owner")
            ada.execute("DROP VIEW app.shown")
            ada.execute("ALTER TABLE app.lines DROP CONSTRAINT lines_of_fkey")
            ada.execute("SET strongroom.confirm = 'drop table app.orders'")
            ada.execute("INSERT INTO app.orders (item) VALUES ('the last one')")
            ada.execute("DROP TABLE app.orders")
        writer.wait_for(50)
    target = event.latest(scene.situation, scene.begun, "app")
    assert target.tables == ("app.orders",)
    assert "ada" in target.reason
    outcome = scene.recover(scene.plan(target, tables=target.tables))
    assert outcome.remarks == ()
    assert scene.count("SELECT count(*) FROM app.orders") == 501
    # The view and the key had been dropped before that point, by statements of their own.
    kept = [row for row in before if row[1] not in ("shown", "lines")]
    assert [row for row in _described(scene) if row[1] != "lines"] == kept
    assert scene.journal() == writer.acknowledged
    with empty_stack.sign_in("chiara") as mid:
        mid.execute("INSERT INTO app.orders (item) VALUES ('the next one')")
    # A sequence may skip numbers after a recovery, as after any crash, but repeats none.
    assert scene.count("SELECT max(id) FROM app.orders") > 501
    scene.sound()


def test_what_a_cascade_took_comes_back_with_the_table(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    before = _described(scene)
    _drop(scene)
    target = event.latest(scene.situation, scene.begun, "app")
    assert scene.recover(scene.plan(target, tables=target.tables)).remarks == ()
    assert _described(scene) == before


def test_a_key_that_does_not_hold_any_more_is_named(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    _drop(scene)
    target = scene.target()
    with scene.stack.root() as root:
        root.execute("INSERT INTO app.lines (of) VALUES (9999)")
    (remark,) = scene.recover(scene.plan(target, tables=("app.orders",))).remarks
    assert "the foreign key lines_of_fkey of app.lines could not be put back" in remark
    assert scene.count("SELECT count(*) FROM app.orders") == 500


def test_a_table_that_is_there_again_stays_and_gets_a_neighbour(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    with scene.stack.root() as root:
        root.execute("DELETE FROM app.lines")
        root.execute("DELETE FROM app.orders")
        root.execute("INSERT INTO app.orders (item) VALUES ('new')")
    target = scene.event_at("DELETE")
    (remark,) = scene.recover(scene.plan(target, tables=("app.orders",))).remarks
    assert remark == "app.orders is there again, so it was put back as app.orders_recovered"
    assert scene.count("SELECT count(*) FROM app.orders") == 1
    assert scene.count("SELECT count(*) FROM app.orders_recovered") == 500
    assert scene.count("SELECT pg_get_serial_sequence('app.orders_recovered', 'id')") == (
        "app.orders_id_seq_recovered"
    )
    scene.sound()


def test_names_that_have_to_be_quoted_and_partitions_come_back(empty_stack: LocalStack) -> None:
    scene = Scene(empty_stack)
    with scene.stack.root() as root:
        root.execute('CREATE TABLE app."Odd ""one""" (id int PRIMARY KEY)')
        root.execute('INSERT INTO app."Odd ""one""" VALUES (1), (2)')
        root.execute("CREATE TABLE app.parted (id int) PARTITION BY RANGE (id)")
        root.execute("CREATE TABLE app.low PARTITION OF app.parted FOR VALUES FROM (0) TO (10)")
        root.execute("CREATE TABLE app.high PARTITION OF app.parted FOR VALUES FROM (10) TO (20)")
        root.execute("INSERT INTO app.parted VALUES (1), (11), (12)")
        before = _described(scene)
        row = root.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        root.execute("SET event_triggers = off")
        root.execute('DROP TABLE app."Odd ""one""", app.parted')
    assert row is not None
    tables = ('app."Odd ""one"""', "app.parted")
    scene.recover(scene.plan(scene.at(row[0]), tables=tables))
    assert _described(scene) == before
    assert scene.count("SELECT count(*) FROM app.parted") == 3
    assert scene.count('SELECT count(*) FROM app."Odd ""one"""') == 2


def test_a_table_that_never_was_is_refused_and_the_copy_can_be_given_up(
    empty_stack: LocalStack,
) -> None:
    scene = Scene(empty_stack)
    _drop(scene)
    target = scene.target()
    with pytest.raises(StrongroomError, match=r"There was no table app\.ordrs in app"):
        scene.recover(scene.plan(target, tables=("app.ordrs",)))
    assert abandon(scene.situation)
    with pytest.raises(StrongroomError, match="cannot come back by a swap"):
        scene.plan(target, tables=("app.orders",), way=SWAP)
    scene.recover(scene.plan(target, tables=("app.orders",)))
    assert scene.count("SELECT count(*) FROM app.orders") == 500
