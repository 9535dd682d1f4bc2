"""Root's password opens an instance on RDS at any time: root is never seen in rds_iam.

RDS takes whoever is in it by IAM only, also through another role, and so does the gateway here; the
provisioner is in it, and what root does for it, it does with its rights.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rehearsal.master import Server
from strongroom.bootstrap.borrowing import borrowed
from strongroom.bootstrap.leaving import retire
from strongroom.bootstrap.rotation import Rotation
from strongroom.bootstrap.steps import Foundation, audit, bootstrap
from strongroom.errors import StrongroomError
from tests.live.private_network import PrivateNetwork, private_network

pytestmark = pytest.mark.live

FOUNDATION = Foundation("app", ("app",), "production", mass_change_rows=10, replicator=False)
_GIVEN = """
SELECT roleid::regrole::text FROM pg_auth_members
WHERE pg_get_userbyid(member) = %s AND (inherit_option OR set_option)
"""


@pytest.fixture(scope="module", params=["root", "postgres"])
def network(request: pytest.FixtureRequest, strongroom_home: Path) -> Iterator[PrivateNetwork]:
    with private_network(strongroom_home, model=True, master=request.param) as made:
        yield made


@pytest.fixture(autouse=True)
def way_in(network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in network.environment().items():
        monkeypatch.setenv(name, value)
    yield
    with network.stack.superuser() as admin:
        given = admin.execute(_GIVEN, [network.stack.name]).fetchall()
    assert sorted(given) == [("app_owner",), ("rds_superuser",)]
    network.master().connect().close()


@contextmanager
def never_seen_in_rds_iam(network: PrivateNetwork) -> Iterator[None]:
    """Looks as often as it can whether the master's password would be refused."""
    over, seen = threading.Event(), []

    def look() -> None:
        while not over.is_set():
            seen.append(network.stack.server.by_iam_only())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
    assert seen
    assert not any(seen)


def as_root(network: PrivateNetwork, statement: str) -> None:
    """By hand, in a session that was open before."""
    name = sql.Identifier(network.stack.name)
    with network.stack.superuser() as admin:
        admin.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(name))
        admin.execute(sql.SQL(statement).format(name))


def test_the_bootstrap_does_what_is_the_provisioners_and_keeps_none_of_its_rights(
    network: PrivateNetwork,
) -> None:
    with network.stack.superuser("app") as admin:
        admin.execute("SET SESSION AUTHORIZATION provisioner")
        admin.execute("CREATE TABLE app.of_the_provisioner (id int)")
        admin.execute("RESET SESSION AUTHORIZATION")
        admin.execute(
            "ALTER DEFAULT PRIVILEGES FOR ROLE provisioner GRANT EXECUTE ON ROUTINES TO PUBLIC"
        )
        found = audit(network.master(), FOUNDATION)
        assert "new routines of provisioner can be executed by PUBLIC" in found
        with never_seen_in_rds_iam(network):
            bootstrap(network.master(), FOUNDATION)
        assert audit(network.master(), FOUNDATION) == []
        count = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.of_the_provisioner'::regclass"
        assert admin.execute(count).fetchone() == (3,)


def test_a_rotated_password_opens_the_instance(network: PrivateNetwork) -> None:
    old = network.stack.sealed.current()
    with never_seen_in_rds_iam(network):
        Rotation(network.master()).run()
    assert old is not None
    assert not network.master().works(old)


def test_what_leavers_leave_is_taken_over_with_rights_that_end_with_it(
    network: PrivateNetwork,
) -> None:
    with network.stack.superuser("app") as admin:
        admin.execute("SET SESSION AUTHORIZATION provisioner")
        admin.execute("CREATE ROLE yuri LOGIN")
        admin.execute("GRANT rds_iam TO yuri")
        admin.execute("RESET SESSION AUTHORIZATION")
        admin.execute("CREATE SCHEMA lab AUTHORIZATION yuri")
        admin.execute("SET SESSION AUTHORIZATION yuri")
        admin.execute("CREATE TABLE lab.kept (id int)")
        admin.execute("RESET SESSION AUTHORIZATION")
        with never_seen_in_rds_iam(network):
            assert retire(network.master(), "yuri") is not None
        owner = "SELECT tableowner::text FROM pg_tables WHERE schemaname = 'lab'"
        assert admin.execute(owner).fetchone() == ("app_owner",)
        admin.execute("DROP ROLE yuri")


def end(session: psycopg.Connection[Any], network: PrivateNetwork) -> None:
    with network.stack.superuser() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])


def leave(session: psycopg.Connection[Any], network: PrivateNetwork) -> None:
    """As the server sees a client that is killed."""
    session.pgconn.finish()


@pytest.mark.parametrize("cut", [end, leave])
def test_a_run_that_is_cut_off_leaves_root_none_of_them(network: PrivateNetwork, cut: Any) -> None:
    def run() -> None:
        with network.master().connect("app") as session, borrowed(session, "provisioner"):
            session.execute("SET LOCAL ROLE provisioner")
            assert not network.stack.server.by_iam_only()
            cut(session, network)
            session.execute("SELECT 1")

    with pytest.raises(psycopg.OperationalError):
        run()


@pytest.mark.parametrize(
    ("given", "group"),
    [
        # What the bootstrap gave root before it borrowed.
        ("GRANT provisioner TO {} WITH INHERIT TRUE, SET TRUE", "provisioner"),
        ("GRANT provisioner TO {} WITH INHERIT FALSE, SET TRUE", "provisioner"),
        ("GRANT rds_iam TO {}", "rds_iam"),
        ("GRANT rds_iam TO app_owner", "app_owner"),
    ],
)
def test_a_root_that_was_put_in_rds_iam_is_refused_and_told_why_until_it_is_taken_out(
    network: PrivateNetwork, given: str, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = network.stack.name
    as_root(network, given)
    with pytest.raises(StrongroomError, match="takes whoever is in rds_iam by IAM only") as refused:
        network.master().connect()
    assert f'PAM authentication failed for user "{name}"' in str(refused.value)
    # No other password would help, so none is set.
    assert not network.master().locked_out()
    with monkeypatch.context() as patch:
        # It gets in all the same, as it does by a token.
        patch.setattr(Server, "by_iam_only", lambda _: False)
        patch.setattr(network.gateway, "_by_iam_only", lambda: False)
        said = f"{name}'s password opens nothing on RDS, which takes whoever is in rds_iam by IAM"
        (found,) = audit(network.master(), FOUNDATION)
        assert found == f"{said} only: a grant of {name} put it into {group}"
        bootstrap(network.master(), FOUNDATION)
    assert audit(network.master(), FOUNDATION) == []


def test_that_root_may_manage_a_role_that_signs_in_by_iam_does_not_put_it_there(
    network: PrivateNetwork,
) -> None:
    with network.master().connect() as root:
        root.execute("CREATE ROLE walter LOGIN")
        root.execute("GRANT rds_iam TO walter")
    network.master().connect().close()
    with network.master().connect() as root:
        root.execute("DROP ROLE walter")
