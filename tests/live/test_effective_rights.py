"""Effective rights against PostgreSQL's own answers, on role graphs made at random."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from strongroom.rights.effective import Effective
from strongroom.rights.inspection import seen_within
from strongroom.rights.model import OWNER, PUBLIC, Snapshot
from tests.live.conftest import Session
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live

ROLES = tuple(f"r{number}" for number in range(6))
GROUPS = (*ROLES, "pg_read_all_data", "pg_write_all_data", "pg_maintain", "pg_database_owner")

#: Kinds of object: what GRANT calls them, what there is of each, and all their privileges.
OBJECTS = {
    "table": ("TABLE", ("s0.t0", "s0.t1", "s1.t0", "s1.v0"),
              "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER MAINTAIN"),
    "column": ("TABLE", ("s0.t0.a", "s0.t0.b", "s1.t0.a"), "SELECT INSERT UPDATE REFERENCES"),
    "sequence": ("SEQUENCE", ("s0.q0", "s1.q0"), "USAGE SELECT UPDATE"),
    "routine": ("ROUTINE", ("s0.f0(integer)", "s1.f0()"), "EXECUTE"),
    "schema": ("SCHEMA", ("s0", "s1", "public"), "USAGE CREATE"),
    "type": ("TYPE", ("s0.d0",), "USAGE"),
    "database": ("DATABASE", ("app", "postgres"), "CONNECT CREATE TEMPORARY"),
    "language": ("LANGUAGE", ("sql",), "USAGE"),
    "parameter": ("PARAMETER", ("work_mem",), "SET ALTER_SYSTEM"),
}  # fmt: skip

_MAKE = """
CREATE SCHEMA s0; CREATE SCHEMA s1;
CREATE TABLE s0.t0 (a int, b int); CREATE TABLE s0.t1 (a int); CREATE TABLE s1.t0 (a int, b int);
CREATE VIEW s1.v0 AS SELECT 1 AS a;
CREATE SEQUENCE s0.q0; CREATE SEQUENCE s1.q0;
CREATE FUNCTION s0.f0(int) RETURNS int LANGUAGE sql RETURN 1;
CREATE PROCEDURE s1.f0() LANGUAGE sql BEGIN ATOMIC END;
CREATE DOMAIN s0.d0 AS int;
"""

#: What the server says; has_language_privilege and its like, for every role and object at once.
_ASK = """
SELECT kind, name, rolname, replace(privilege, ' ', '_') FROM (
    SELECT 'table', n || '.' || relname, rolname, p, has_table_privilege(rolname, c.oid, p)
    FROM roles, tables AS c, unnest(%(table)s::text[]) AS p WHERE relkind <> 'S'
    UNION ALL
    SELECT 'column', n || '.' || relname || '.' || attname, rolname, p,
           has_column_privilege(rolname, c.oid, attname, p)
    FROM roles, tables AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0,
         unnest(%(column)s::text[]) AS p
    WHERE n || '.' || relname || '.' || attname = ANY (%(columns)s)
    UNION ALL
    SELECT 'sequence', n || '.' || relname, rolname, p, has_sequence_privilege(rolname, c.oid, p)
    FROM roles, tables AS c, unnest(%(sequence)s::text[]) AS p WHERE relkind = 'S'
    UNION ALL
    SELECT 'routine', name, rolname, 'EXECUTE', has_function_privilege(rolname, name, 'EXECUTE')
    FROM roles, unnest(%(routines)s::text[]) AS name
    UNION ALL
    SELECT 'schema', name, rolname, p, has_schema_privilege(rolname, name, p)
    FROM roles, unnest(%(schemas)s::text[]) AS name, unnest(%(schema)s::text[]) AS p
    UNION ALL
    SELECT 'type', 's0.d0', rolname, 'USAGE', has_type_privilege(rolname, 's0.d0', 'USAGE')
    FROM roles
    UNION ALL
    SELECT 'database', name, rolname, p, has_database_privilege(rolname, name, p)
    FROM roles, unnest(%(databases)s::text[]) AS name, unnest(%(database)s::text[]) AS p
    UNION ALL
    SELECT 'parameter', 'work_mem', rolname, p, has_parameter_privilege(rolname, 'work_mem', p)
    FROM roles, unnest(ARRAY['SET', 'ALTER SYSTEM']) AS p
) AS asked (kind, name, rolname, privilege, has)
WHERE has
"""
_ASK = (
    "WITH roles AS (SELECT rolname FROM pg_roles WHERE rolname ~ '^r[0-9]$'), tables AS ("
    "SELECT c.oid, nspname::text AS n, relname::text, relkind FROM pg_class AS c "
    "JOIN pg_namespace AS ns ON ns.oid = relnamespace WHERE nspname IN ('s0', 's1'))" + _ASK
)

role = st.sampled_from(ROLES)
kind = st.sampled_from([*OBJECTS])


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, ...]:
    """Statements that each change who may do what, one after the other."""
    return tuple(draw(st.lists(_change(), min_size=5, max_size=30)))


@st.composite
def _change(draw: st.DrawFn) -> str:
    what = draw(st.sampled_from(["member"] * 4 + ["grant"] * 6 + ["revoke", "own", "super", "as"]))
    if what == "member":
        options = ", ".join(f"{name} {draw(st.booleans())}" for name in ("INHERIT", "SET", "ADMIN"))
        return f"GRANT {draw(st.sampled_from(GROUPS))} TO {draw(role)} WITH {options}"
    if what == "super":
        return f"ALTER ROLE {draw(role)} {draw(st.sampled_from(['SUPERUSER', 'NOSUPERUSER']))}"
    chosen = draw(kind)
    word, names, privileges = OBJECTS[chosen]
    name, privilege = draw(st.sampled_from(names)), draw(st.sampled_from(privileges.split()))
    privilege = privilege.replace("_", " ")
    if chosen == "column":
        name, _, column = name.rpartition(".")
        privilege = f"{privilege} ({column})"
    if what == "own":
        word = {"s1.v0": "VIEW"}.get(name, word)
        return f"ALTER {word} {name} OWNER TO {draw(role)}"
    if what == "revoke":
        grantee = draw(st.sampled_from([*ROLES, "PUBLIC"]))
        return f"REVOKE {privilege} ON {word} {name} FROM {grantee} CASCADE"
    if what == "as":
        by, to = draw(role), draw(role)
        return f"SET LOCAL ROLE {by}; GRANT {privilege} ON {word} {name} TO {to}; RESET ROLE"
    grantee = draw(st.sampled_from([*ROLES, "PUBLIC", "PUBLIC"]))
    option = " WITH GRANT OPTION" if grantee != "PUBLIC" and draw(st.booleans()) else ""
    return f"GRANT {privilege} ON {word} {name} TO {grantee}{option}"


@pytest.fixture(scope="module")
def session(stack: LocalStack) -> Iterator[Session]:
    with stack.root() as root:
        root.autocommit = True
        yield root


def _apply(session: Session, statements: tuple[str, ...]) -> None:
    session.execute(_MAKE.encode())
    for name in ROLES:
        session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    for statement in statements:
        # What PostgreSQL refuses, such as a circle of memberships, changes nothing.
        with suppress(psycopg.Error), session.transaction():
            session.execute(statement.encode())


def _server_says(session: Session) -> set[tuple[Any, ...]]:
    values: dict[str, list[str]] = {
        name: privileges.replace("_", " ").split()
        for name, (_, _, privileges) in OBJECTS.items()
        if name != "parameter"
    }
    values |= {f"{name}s": [*names] for name, (_, names, _) in OBJECTS.items()}
    return {*session.execute(_ASK.encode(), values)}


def _strongroom_says(snapshot: Snapshot) -> set[tuple[Any, ...]]:
    actual = Effective(snapshot)
    said: set[tuple[Any, ...]] = set()
    for name in ROLES:
        if actual.is_superuser(name):
            for one, (_, names, privileges) in OBJECTS.items():
                said |= {(one, each, name, right) for each in names for right in privileges.split()}
            continue
        for right in actual.rights(name):
            privilege = right.grant.privilege.replace(" ", "_")
            said |= {(right.shape.kind, each, name, privilege) for each in right.shape.full_names}
    # Who may do something on a table may do it on its columns.
    for one, table, name, privilege in [*said]:
        if one == "table":
            said |= {("column", f"{table}.{column}", name, privilege) for column in ("a", "b")}
    asked = {
        (one, each, right)
        for one, (_, names, rights) in OBJECTS.items()
        for each in names
        for right in rights.split()
        if one != "language"  # of which only what was granted since is told
    }
    return {line for line in said if (line[0], line[1], line[3]) in asked}


_RANDOM = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_RANDOM
@given(statements=changes())
def test_whatever_was_granted_every_role_can_do_exactly_what_postgresql_says(
    session: Session, statements: tuple[str, ...]
) -> None:
    with session.transaction(force_rollback=True):
        _apply(session, statements)
        assert _strongroom_says(seen_within(session)) == _server_says(session)


@_RANDOM
@given(statements=changes())
def test_every_role_can_switch_to_exactly_those_postgresql_lets_it(
    session: Session, statements: tuple[str, ...]
) -> None:
    with session.transaction(force_rollback=True):
        _apply(session, statements)
        actual = Effective(seen_within(session))
        rows = session.execute(
            "SELECT a.rolname, b.rolname, pg_has_role(a.rolname, b.oid, 'USAGE'), "
            "pg_has_role(a.rolname, b.oid, 'SET') FROM pg_roles AS a, pg_roles AS b "
            "WHERE a.rolname ~ '^r[0-9]$' AND a.rolname <> b.rolname"
        ).fetchall()
        for one, other, uses, switches in rows:
            assert (other in actual.switches(one)) == switches, (one, other)
            if not actual.is_superuser(one):
                assert (other in actual.lenders(one)) == uses, (one, other)


@settings(_RANDOM, max_examples=12)
@given(statements=changes())
def test_who_can_give_itself_a_group_is_found_by_trying(
    session: Session, statements: tuple[str, ...]
) -> None:
    with session.transaction(force_rollback=True):
        _apply(session, statements)
        actual = Effective(seen_within(session))
        for one in ROLES:
            if actual.is_superuser(one):
                continue
            for group in ROLES:
                gives = group in actual.givable(one)
                assert gives == _gives_itself(session, one, group), (one, group)


def _gives_itself(session: Session, one: str, group: str) -> bool:
    """Whether GRANT is refused for want of rights: that it would make a circle says nothing."""
    names = [sql.Identifier(name) for name in (one, group, one)]
    statement = "SET LOCAL ROLE {}; GRANT {} TO {} WITH INHERIT TRUE"
    try:
        with session.transaction(force_rollback=True):
            session.execute(sql.SQL(statement).format(*names))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InternalError_):
        return False  # the latter, "no possible grantors", without the rights of who has ADMIN
    except psycopg.errors.InvalidGrantOperation:
        return True
    return True


def test_what_postgresql_made_itself_is_told_only_when_it_was_granted(session: Session) -> None:
    with session.transaction(force_rollback=True):
        session.execute("CREATE ROLE r0")
        before = _catalog_rights(seen_within(session))
        session.execute("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO r0")
        session.execute("GRANT SELECT (rolpassword) ON pg_authid TO r0")
        session.execute("GRANT UPDATE ON pg_class TO PUBLIC")
        after = _catalog_rights(seen_within(session))
    assert before == set()
    assert after == {
        ("routine", "pg_read_file(text)", "r0", "EXECUTE"),
        ("column", "pg_authid.rolpassword", "r0", "SELECT"),
        ("table", "pg_class", PUBLIC, "UPDATE"),
    }


def _catalog_rights(snapshot: Snapshot) -> set[tuple[str, str, str, str]]:
    return {
        (shape.kind, name, grant.grantee, grant.privilege)
        for shape in snapshot.shapes
        if shape.schema == "pg_catalog"
        for name in shape.names
        for grant in shape.grants
        if grant.privilege != OWNER and not grant.grantee.startswith("pg_")
    }
