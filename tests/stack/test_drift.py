"""What was changed by hand is seen by a refreshing preview and put right by `up`."""

import psycopg
import pytest

from tests.conftest import end_server
from tests.stack.project import Project

pytestmark = pytest.mark.stack

#: What somebody with root's rights does by hand, and what the preview then speaks of.
BY_HAND = {
    "a role is dropped": ("DROP OWNED BY dmitri; DROP ROLE dmitri", "access-role-dmitri"),
    "a role gets an attribute": ("ALTER ROLE chiara CREATEDB", "createDatabase"),
    "a person is put into a higher tier": ("GRANT tier_full TO esra", "esra is in tier_full"),
    "a stranger is put into a tier": (
        "CREATE ROLE eve LOGIN; GRANT tier_full TO eve",
        "eve is in tier_full",
    ),
    "a tier loses a privilege": (
        "REVOKE INSERT ON ALL TABLES IN SCHEMA app FROM tier_writer",
        "access-grant-tier_writer-app-table",
    ),
    "a default privilege is taken back": (
        """ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app
           REVOKE SELECT ON TABLES FROM tier_reader""",
        "access-future-tier_reader-app-table",
    ),
    "PUBLIC may connect again": ("GRANT CONNECT ON DATABASE app TO PUBLIC", "PUBLIC has CONNECT"),
    "the database is given away": ("ALTER DATABASE app OWNER TO ada", "owned by ada"),
    "the guard is switched off": (
        "ALTER EVENT TRIGGER strongroom_drop DISABLE",
        "strongroom_drop",
    ),
    "the provisioner becomes superuser": ("ALTER ROLE provisioner SUPERUSER", "provisioner"),
}


def test_whatever_was_changed_by_hand_is_seen_and_put_right(standing: Project) -> None:
    with standing.connect("ada") as connection:
        connection.execute("SET ROLE app_owner")
        connection.execute("CREATE TABLE app.orders (n int)")
    with standing.root() as connection:
        connection.execute("SET strongroom.confirm = 'drop owned'")
        for statement, _ in BY_HAND.values():
            connection.execute(statement.encode())
    shown = standing.preview("--refresh").output
    unseen = [deed for deed, (_, spoken_of) in BY_HAND.items() if spoken_of not in shown]
    assert unseen == []
    standing.up("--refresh")
    assert standing.is_quiet("--refresh")
    for person in ("esra", "dmitri", "chiara"):
        with (
            standing.connect(person) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("DELETE FROM app.orders")


def test_killed_servers_and_a_lost_password_are_seen_by_a_plain_preview_and_put_right(
    standing: Project,
) -> None:
    for cluster in standing.folder.clusters():
        end_server(cluster.directory)
    (standing.folder.primary.directory / "sealed" / "root.json").unlink()
    shown = standing.preview().output
    assert shown.count("the server is stopped") >= 2
    assert "no password is sealed" in shown
    standing.up()
    assert all(cluster.running() for cluster in standing.folder.clusters())
    with standing.root() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("root",)
    assert standing.is_quiet("--refresh")
