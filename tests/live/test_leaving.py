"""A person who leaves: refused first, and nothing of theirs is lost. By both kinds of root."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from strongroom.bootstrap.leaving import outlook, retire
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.root import Root
from strongroom.errors import StrongroomError
from tests.live.conftest import Session
from tests.live.local_stack import LocalStack
from tests.live.master_stack import MasterStack

pytestmark = pytest.mark.live

BOTH_KINDS_OF_ROOT = True


def root_of(stack: LocalStack) -> Root:
    return stack.master if isinstance(stack, MasterStack) else LocalRoot(stack.cluster)


def _impatient(root: Root) -> Root:
    """The same root, who waits a tenth of a second for a lock and not ten."""
    connect = root.connect

    def hurried(database: str = "postgres") -> psycopg.Connection[Any]:
        session = connect(database)
        session.execute("SET lock_timeout = '100ms'")
        return session

    object.__setattr__(root, "connect", hurried)
    return root


def run(session: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        session.execute(statement.encode())


def ask(session: psycopg.Connection[Any], query: str) -> list[Any]:
    return session.execute(query.encode()).fetchall()


def ended(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


@pytest.fixture
def leaver(stack: LocalStack, superuser: Session) -> Iterator[str]:
    """A junior who was let make things in two databases, with whatever one can leave behind."""
    with stack.root("postgres") as root:
        run(root, "CREATE DATABASE other", "REVOKE ALL ON DATABASE other FROM PUBLIC")
    with stack.sign_in("provisioner") as provisioner:
        run(provisioner, "CREATE ROLE zoe LOGIN", "GRANT tier_reader TO zoe WITH SET FALSE")
        run(provisioner, "GRANT CONNECT, TEMPORARY ON DATABASE app TO zoe WITH GRANT OPTION")
    with stack.root() as root:
        run(root, "CREATE SCHEMA common", "GRANT CREATE, USAGE ON SCHEMA common TO zoe")
    run(
        superuser,
        "CREATE SCHEMA lab AUTHORIZATION zoe",
        # By somebody who is not the owner, which DROP OWNED does not take away.
        "GRANT USAGE ON SCHEMA app TO web",
        "GRANT SELECT ON app.before TO web WITH GRANT OPTION",
        "SET ROLE web",
        "GRANT SELECT ON app.before TO zoe WITH GRANT OPTION",
        "SET ROLE zoe",
        "GRANT SELECT ON app.before TO dmitri",
        "RESET ROLE",
    )
    with stack.superuser("other") as other:
        run(other, "GRANT CONNECT, CREATE ON DATABASE other TO zoe")
        run(other, "SET ROLE zoe", "CREATE SCHEMA lab", "CREATE TABLE lab.kept AS SELECT 7 AS n")
        run(other, "RESET ROLE", "GRANT USAGE ON SCHEMA public TO zoe")
    with stack.sign_in("zoe") as zoe:
        run(
            zoe,
            "CREATE TABLE lab.kept (id int PRIMARY KEY)",
            "INSERT INTO lab.kept VALUES (1), (2)",
            "CREATE TABLE common.shared AS SELECT 3 AS n",
            "GRANT USAGE ON SCHEMA lab TO web, dmitri",
            "GRANT SELECT ON lab.kept TO web",
            "CREATE VIEW lab.secrets AS SELECT * FROM lab.kept",
            "GRANT SELECT ON lab.secrets TO dmitri",
            "CREATE FUNCTION lab.whoami() RETURNS text LANGUAGE sql SECURITY DEFINER "
            "AS 'SELECT current_user::text'",
            "GRANT EXECUTE ON FUNCTION lab.whoami() TO dmitri",
            "CREATE TABLE lab.trap (id int)",
            "CREATE RULE bang AS ON INSERT TO lab.trap DO ALSO DELETE FROM lab.kept",
            "GRANT INSERT ON lab.trap TO dmitri",
            "CREATE DOMAIN lab.money AS numeric",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO web",
            "SELECT lo_from_bytea(4242, 'what zoe kept')",
        )
    yield "zoe"
    for database in ("other", "app"):
        with stack.superuser(database) as end:
            run(end, "SET strongroom.confirm = 'drop owned'")
            for name in ask(end, "SELECT rolname FROM pg_roles WHERE rolname = 'zoe'"):
                retire(root_of(stack), name[0])
                run(end, "DROP ROLE zoe")
    run(superuser, "DROP SCHEMA lab CASCADE", "DROP SCHEMA common CASCADE")
    run(superuser, "SELECT lo_unlink(4242)")
    run(superuser, "REVOKE GRANT OPTION FOR SELECT ON app.before FROM web CASCADE")
    with stack.root("postgres") as root:
        run(root, "DROP DATABASE other")


def test_a_review_reads_what_a_leaver_leaves_behind(stack: LocalStack, leaver: str) -> None:
    with stack.sign_in(leaver), stack.sign_in(leaver):
        found = outlook(root_of(stack), leaver)
    assert found is not None
    assert found.sessions == 2
    assert found.told() == (
        "signing in is refused, 2 open sessions ended, 8 objects in app given to app_owner, "
        "2 objects in other given to app_owner, rights on 6 objects taken, the role dropped"
    )
    assert outlook(root_of(stack), "nobody_here") is None


def test_a_leaver_is_refused_and_everything_of_theirs_is_still_there(
    stack: LocalStack, leaver: str, superuser: Session
) -> None:
    with (
        stack.sign_in(leaver) as working,
        stack.sign_in(leaver) as waiting,
        stack.sign_in("provisioner") as provisioner,
    ):
        run(waiting, "BEGIN", "DECLARE c CURSOR FOR SELECT * FROM lab.kept", "FETCH c")
        run(working, "CREATE TEMP TABLE scratch (n int)")
        retire(root_of(stack), leaver)
        assert ended(working)
        assert ended(waiting)
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            stack.sign_in(leaver)
        run(provisioner, f"DROP ROLE {leaver}")
    owners = ask(
        superuser,
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class "
        "WHERE relnamespace IN ('lab'::regnamespace, 'common'::regnamespace) UNION "
        "SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'lab'::regnamespace "
        "UNION SELECT pg_get_userbyid(lomowner) FROM pg_largeobject_metadata WHERE oid = 4242 "
        "UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'lab'",
    )
    assert owners == [("app_owner",)]
    assert ask(superuser, "SELECT * FROM lab.kept") == [(1,), (2,)]
    assert ask(superuser, "SELECT * FROM common.shared") == [(3,)]
    assert ask(superuser, "SELECT convert_from(lo_get(4242), 'utf8')") == [("what zoe kept",)]
    with stack.superuser("other") as other:
        assert ask(other, "SELECT n, tableowner FROM lab.kept, pg_tables WHERE tablename = 'kept'")
    with stack.sign_in("web") as web:
        assert ask(web, "SELECT count(*) FROM lab.kept") == [(2,)]


def test_what_ran_with_a_leavers_rights_lends_nobody_app_owners(
    stack: LocalStack, leaver: str, superuser: Session
) -> None:
    retire(root_of(stack), leaver)
    with stack.sign_in("dmitri") as dmitri:
        assert ask(dmitri, "SELECT lab.whoami()") == [("dmitri",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            dmitri.execute("SELECT * FROM lab.secrets")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            dmitri.execute("INSERT INTO lab.trap VALUES (1)")
    assert ask(superuser, "SELECT count(*) FROM lab.kept") == [(2,)]


def test_rights_handed_on_by_a_grant_option_end_with_it(
    stack: LocalStack, leaver: str, superuser: Session
) -> None:
    query = (
        "SELECT DISTINCT pg_get_userbyid(grantee)::text FROM pg_class, aclexplode(relacl) "
        "WHERE relname = 'before' AND privilege_type = 'SELECT'"
    )
    assert ("dmitri",) in ask(superuser, query)
    retire(root_of(stack), leaver)
    assert sorted(ask(superuser, query)) == [("app_owner",), ("tier_reader",), ("web",)]


def test_a_second_run_finds_nothing_to_do_and_one_killed_anywhere_goes_on(
    stack: LocalStack, leaver: str, superuser: Session
) -> None:
    # Each step is a transaction: these are the states in which a kill can leave it.
    run(superuser, f"ALTER ROLE {leaver} NOLOGIN")
    with stack.superuser("other") as other:
        run(other, f"REASSIGN OWNED BY {leaver} TO app_owner")
    assert retire(root_of(stack), leaver) is not None
    again = retire(root_of(stack), leaver)
    assert again is not None
    assert again.hanging == ()
    assert ask(superuser, "SELECT count(*) FROM lab.kept") == [(2,)]
    rows = ask(
        superuser,
        "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'zoe'::regrole",
    )
    assert rows == [("provisioner",)]


def test_one_killed_in_the_middle_of_a_database_leaves_it_whole_and_the_next_run_converges(
    stack: LocalStack, leaver: str, superuser: Session
) -> None:
    with stack.superuser("app") as holder:
        run(holder, "BEGIN", "LOCK TABLE lab.kept IN ACCESS SHARE MODE")
        child = os.fork()
        if child == 0:
            try:
                retire(root_of(stack), leaver)
            finally:
                os._exit(1)
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND query LIKE 'REASSIGN OWNED%'"
        )
        deadline = time.monotonic() + 20
        while not (found := ask(superuser, waiting)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            stack.sign_in(leaver)
        run(holder, "ROLLBACK")
    gone = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {found[0][0]}"
    while ask(superuser, gone) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'lab' AND tablename = 'kept'"
    assert ask(superuser, owner) == [(leaver,)]
    assert retire(root_of(stack), leaver) is not None
    assert ask(superuser, owner) == [("app_owner",)]
    found_left = outlook(root_of(stack), leaver)
    assert found_left is not None
    assert found_left.hanging == ()


def test_a_table_that_is_locked_keeps_the_role_and_is_told_in_one_paragraph(
    stack: LocalStack, leaver: str
) -> None:
    with stack.superuser("app") as holder:
        run(holder, "BEGIN", "LOCK TABLE lab.kept IN ACCESS SHARE MODE")
        with pytest.raises(StrongroomError, match="The role is kept, and nothing is lost") as told:
            retire(_impatient(root_of(stack)), leaver)
        run(holder, "ROLLBACK")
    assert "canceling statement due to lock timeout" in str(told.value)


def test_a_database_nobody_can_enter_is_told_by_name_and_the_leaver_refused_all_the_same(
    stack: LocalStack, leaver: str, superuser: Session
) -> None:
    run(superuser, "ALTER DATABASE other ALLOW_CONNECTIONS false")
    try:
        found = outlook(root_of(stack), leaver)
        assert found is not None
        assert "but NOT what it has in other, which nobody can enter" in found.told()
        with pytest.raises(StrongroomError, match="granted something, in other") as refused:
            retire(root_of(stack), leaver)
        assert "it is refused already" in str(refused.value)
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            stack.sign_in(leaver)
    finally:
        run(superuser, "ALTER DATABASE other ALLOW_CONNECTIONS true")
