"""What a statement would destroy, told from its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.incident.events import Kind
from strongroom.incident.statements import actions, undoes


def found(text: str) -> list[tuple[Kind, tuple[str, ...]]]:
    return [(action.kind, action.names) for action in actions(text)]


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("drop database app", Kind.DATABASE, ("app",)),
        ("DROP DATABASE IF EXISTS app WITH (FORCE);", Kind.DATABASE, ("app",)),
        ("drop schema a, B cascade", Kind.SCHEMA, ("a", "b")),
        ('drop table app.x, "Odd one"."y" restrict', Kind.TABLE, ("app.x", '"Odd one".y')),
        ("drop materialized view mv", Kind.TABLE, ("mv",)),
        ("drop owned by ada, bram", Kind.TABLE, ("all of ada's", "all of bram's")),
        ("truncate app.x", Kind.TRUNCATE, ("app.x",)),
        ("truncate table only a *, b restart identity cascade", Kind.TRUNCATE, ("a", "b")),
        ("delete from only app.x as o using y where o.id = y.id", Kind.DELETE, ("app.x",)),
        ("with d as (delete from x returning *) insert into y table d", Kind.DELETE, ("x",)),
        ("explain (analyze) delete from x", Kind.DELETE, ("x",)),
        ("/* why /* so */ */ drop -- here\n table x", Kind.TABLE, ("x",)),
        ("create table y (); drop table x", Kind.TABLE, ("x",)),
        ("select foo$a$ from t; drop table y; select foo$a$", Kind.TABLE, ("y",)),
    ],
)
def test_what_destroys_is_seen_however_it_is_written(
    text: str, kind: Kind, names: tuple[str, ...]
) -> None:
    assert found(text) == [(kind, names)]


@pytest.mark.parametrize(
    "text",
    [
        "select 'drop table x; truncate y'",
        "select E'it\\'s; drop table x'",
        'select 1 as "; drop table x; "',
        "do $a$ begin drop table x; end $a$",
        "/* drop table x; */ select 1",
        "-- drop table x",
        "drop index i",
        "drop event trigger t",
        "drop role ada",
        "alter table x drop column y",
        "explain delete from x",
        "prepare p as delete from x",
        "create function f() returns void begin atomic delete from x; delete from y; end",
        "begin; drop table x; rollback",
        "drop table x; abort",
        "",
        ";;",
        "'not ended; drop table x",
        "$$ not ended; drop table x",
        "/* not ended; drop table x",
    ],
)
def test_what_destroys_nothing_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_delete_with_a_where_is_told_from_one_without() -> None:
    assert [action.whole for action in actions("delete from x")] == [True]
    assert [action.whole for action in actions("delete from x where true")] == [False]


def test_drop_owned_can_have_dropped_a_schema_and_drop_table_cannot() -> None:
    (owned,), (table,) = actions("drop owned by ada"), actions("drop table x")
    assert owned.does(Kind.SCHEMA)
    assert owned.does(Kind.TABLE)
    assert not table.does(Kind.SCHEMA)


def test_rolling_back_to_a_savepoint_undoes_no_transaction() -> None:
    assert undoes("ROLLBACK")
    assert undoes("/* no */ abort work")
    assert not undoes("rollback to savepoint s")
    assert not undoes("rollback prepared 'x'")
    assert not undoes("select 'rollback'")


@given(st.text())
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    actions(text)
    # A text of SQL in quotes destroys nothing, whatever is in it.
    quoted = text.replace("'", "''")
    assert actions(f"select '{quoted}'") == ()


@given(st.text(st.sampled_from("'\"$;-/*drop table x\n"), max_size=40))
def test_odd_quotes_never_hang_it(text: str) -> None:
    actions(text)
