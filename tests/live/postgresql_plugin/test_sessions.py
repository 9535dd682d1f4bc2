"""How the postgresql plugin works with a server: alone, beside others, and when it goes away."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.grant import Grant
from strongroom.provider.postgresql.role import Role
from strongroom.provider.postgresql.session import Session, Work
from tests.live.postgresql_plugin.life import Life, Root, settings, value
from tests.live.postgresql_server import Server

pytestmark = pytest.mark.live

READING = {"role": "reader", "database": "app", "schema": "shop", "objectType": "table"}


@pytest.fixture
def reader(pg_root: Root) -> Root:
    """Root's session, with a role of the provisioner's."""
    pg_root.execute("SET ROLE provisioner; CREATE ROLE reader; RESET ROLE")
    return pg_root


@contextmanager
def holding(server: Server, *statements: str) -> Iterator[psycopg.Connection[Any]]:
    """Another session that has changed something and not committed yet."""
    with server.root(autocommit=False) as other:
        for statement in statements:
            other.execute(statement)
        yield other


def wait_until_blocked(root: Root) -> None:
    deadline = time.monotonic() + 10
    while not value(
        root, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'strongroom' "
              "AND wait_event_type = 'Lock'"
    ):  # fmt: skip
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_session_shows_its_name_waits_for_locks_only_so_long_and_trusts_no_search_path(
    pg_session: Session,
) -> None:
    query = sql.SQL(
        "SELECT current_setting('application_name') AS name, current_setting('lock_timeout') AS "
        "wait, current_setting('search_path') AS path, "
        "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls"
    )
    (row,) = pg_session.rows("look", query, {})
    assert row == {"name": "strongroom", "wait": "10s", "path": "", "tls": True}


def test_what_another_session_holds_is_waited_for_and_then_done(
    reader: Root, pg_session: Session, pg_server: Server
) -> None:
    with (
        holding(pg_server, "GRANT INSERT ON shop.customer TO reader") as other,
        ThreadPoolExecutor() as pool,
    ):
        grant = pool.submit(Life, Grant(pg_session), **READING, privileges=["SELECT"])
        wait_until_blocked(reader)
        # PostgreSQL answers the waiting session with "tuple concurrently updated".
        other.commit()
        assert grant.result(timeout=30).drift() == set()


def test_a_lock_held_too_long_fails_in_one_paragraph_and_changes_nothing(
    reader: Root, pg_server: Server
) -> None:
    session = Session(settings(pg_server), lock_timeout=0.2)
    with (
        holding(pg_server, "GRANT INSERT ON shop.customer TO reader"),
        pytest.raises(StrongroomError) as refused,
    ):
        Life(Grant(session), **READING, privileges=["SELECT"])
    told = str(refused.value)
    assert "SQLSTATE 55P03" in told
    assert "pg_stat_activity names it" in told
    assert not value(reader, "SELECT has_table_privilege('reader', 'shop.customer', 'SELECT')")
    session.close()


def test_the_victim_of_a_deadlock_tries_again(
    reader: Root, pg_session: Session, pg_server: Server
) -> None:
    tables = ["Order", "customer"]
    with (
        holding(pg_server, "GRANT INSERT ON shop.customer TO reader") as other,
        ThreadPoolExecutor() as pool,
    ):
        grant = pool.submit(
            Life, Grant(pg_session), **READING, objects=tables, privileges=["SELECT"]
        )
        wait_until_blocked(reader)
        # It holds Order and waits for customer; now this waits for Order.
        other.execute('GRANT INSERT ON shop."Order" TO reader')
        other.commit()
        assert grant.result(timeout=30).drift() == set()
    assert "deadlock detected" in (pg_server.folder / "log").read_text()


def test_two_plugins_at_work_on_the_same_roles_both_succeed(
    reader: Root, pg_session: Session, pg_server: Server
) -> None:
    second = Session(settings(pg_server))

    def work(number: int) -> set[str]:
        session = (pg_session, second)[number % 2]
        role = Life(Role(session), name=f"engineer{number}", login=True, roles=["reader"])
        table = {**READING, "role": "reader", "objects": ["customer"]}
        Life(Grant(session), **table, privileges=["SELECT"])
        return role.drift()

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(work, range(24))) == [set()] * 24
    second.close()
    assert value(
        reader, "SELECT count(*) FROM pg_auth_members WHERE roleid = 'reader'::regrole"
    ) == 25  # fmt: skip


def test_a_server_that_restarts_between_two_operations_is_found_again(
    pg_root: Root, pg_session: Session, pg_server: Server
) -> None:
    role = Life(Role(pg_session), name="ada")
    pg_root.close()
    pg_server.stop()
    with ThreadPoolExecutor() as pool:
        drift = pool.submit(role.drift)
        time.sleep(1)
        pg_server.start()
        assert drift.result(timeout=30) == set()
    role.up(name="ada", login=True)
    assert role.drift() == set()


def test_a_session_ended_under_an_operation_is_opened_again_and_the_operation_repeated(
    pg_root: Root, pg_session: Session
) -> None:
    calls: list[int] = []

    def work(here: Work) -> int:
        calls.append(len(calls))
        if len(calls) == 1:
            here.do(sql.SQL("SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())"))
        return len(here.rows(sql.SQL("SELECT 1 AS one"), {}))

    assert pg_session.run("try", work) == 1
    assert calls == [0, 1]


def test_a_session_lost_while_it_commits_leaves_nobody_guessing(
    pg_root: Root, pg_session: Session
) -> None:
    pg_root.execute("CREATE TABLE shop.last (id int); GRANT INSERT ON shop.last TO provisioner")
    pg_root.execute(
        "CREATE FUNCTION shop.die() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$"
    )
    pg_root.execute(
        "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON shop.last DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION shop.die()"
    )
    with pytest.raises(StrongroomError, match=r"may or may not have happened.*up --refresh"):
        pg_session.run("add", lambda work: work.do(sql.SQL("INSERT INTO shop.last VALUES (1)")))


def test_a_server_that_only_reads_is_told_to_be_a_standby(
    pg_root: Root, pg_session: Session
) -> None:
    pg_root.execute("ALTER ROLE provisioner SET default_transaction_read_only = on")
    with pytest.raises(StrongroomError, match=r"SQLSTATE 25006.*host and port at the primary"):
        Life(Role(pg_session), name="ada")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": "nowhere.invalid"}, "Correct the provider's host"),
        ({"sslrootcert": "STRANGER"}, "does not come from sslrootcert"),
        ({"host": "localhost"}, "was not issued for the host"),
        ({"username": "root"}, "common name has to be the role's name"),
        ({"clientcert": None}, "valid client certificate"),
        ({"clientcert": '{"cert": "/nowhere/c", "key": "/nowhere/k"}'}, "certificate"),
        ({"database": "nowhere"}, "Create the database first"),
        ({"database": "closed"}, "can GRANT CONNECT on it"),
    ],
)
def test_no_session_is_told_with_its_reason_and_remedy(
    pg_root: Root, pg_server: Server, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    if change.get("sslrootcert"):
        stranger = tmp_path / "stranger.crt"
        stranger.write_bytes(pg_server.stranger())
        change = {"sslrootcert": str(stranger)}
    if change.get("database") == "closed":
        pg_root.execute("REVOKE CONNECT ON DATABASE app FROM provisioner CASCADE")
        change = {}
    given = settings(pg_server).model_dump(by_alias=True)
    known = type(settings(pg_server)).parse(
        {name: each for name, each in {**given, **change}.items() if each is not None}
    )
    with pytest.raises(StrongroomError) as refused:
        Life(Role(Session(known)), name="ada")
    told = str(refused.value)
    assert said in told
    assert "\n" not in told


def test_a_port_where_nothing_listens_is_told_at_once(pg_server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(StrongroomError, match=r"Connection refused.*Nothing listens there"):
        Life(Role(Session(settings(pg_server, port=str(port)))), name="ada")
    assert time.monotonic() - started < 5


def test_a_private_key_that_others_can_read_is_told_with_the_command(
    pg_root: Root, pg_server: Server
) -> None:
    known = settings(pg_server)
    assert known.clientcert
    Path(known.clientcert["key"]).chmod(0o644)
    with pytest.raises(StrongroomError, match="chmod 600"):
        Life(Role(Session(known)), name="ada")


def test_a_server_too_old_to_verify_rights_on_is_refused(
    pg_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.provider.postgresql.session.OLDEST_SERVER", 990000)
    with pytest.raises(StrongroomError, match=r"is PostgreSQL 17, .*Upgrade it to 16 or later"):
        Life(Role(pg_session), name="ada")


def test_settings_not_known_yet_are_told_and_nothing_is_tried() -> None:
    with pytest.raises(StrongroomError, match="not known yet"):
        Life(Role(Session()), name="ada")
