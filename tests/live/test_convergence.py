"""Whatever a hand or an accident did to a primary: `read` says it, and `up` puts it right."""

import os
import shutil
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import SystemUser
from tests.conftest import kill
from tests.live.local_stack import LocalStack, put_right

pytestmark = pytest.mark.live


#: Changes root could make, and the sentence each is told by. Those of a group stand together.
IN_THE_CATALOG = [
    {
        "ALTER ROLE provisioner SUPERUSER CREATEDB REPLICATION BYPASSRLS": "role provisioner has",
        "ALTER ROLE app_owner LOGIN SUPERUSER REPLICATION": "role app_owner has attributes",
        "ALTER ROLE replicator SUPERUSER CREATEROLE": "role replicator has attributes",
        "REVOKE ADMIN OPTION FOR app_owner FROM provisioner": "provisioner is not a member of",
        "ALTER EVENT TRIGGER strongroom_drop DISABLE": "the guard strongroom_drop",
        "ALTER EVENT TRIGGER strongroom_owned ENABLE REPLICA": "the guard strongroom_owned",
        "DELETE FROM strongroom.guarded_schema": "guarded are no schemas instead of app",
        "GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC": "PUBLIC has USAGE, CREATE on schema",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT EXECUTE ON ROUTINES TO PUBLIC": (
            "new routines of app_owner can be executed by PUBLIC"
        ),
    },
    {
        "ALTER ROLE provisioner NOLOGIN NOCREATEROLE": "role provisioner has attributes",
        "DROP ROLE replicator": "role replicator is missing",
        "REVOKE app_owner FROM provisioner CASCADE": "provisioner is not a member of app_owner",
        "DROP EVENT TRIGGER strongroom_drop": "the guard strongroom_drop",
        "GRANT CONNECT ON DATABASE postgres TO PUBLIC": "PUBLIC has CONNECT on database postgres",
        "ALTER DATABASE app OWNER TO app_owner": "database app is owned by app_owner",
        "ALTER DATABASE app CONNECTION LIMIT 0": "database app admits only 0 sessions",
        "INSERT INTO strongroom.guarded_schema VALUES ('more')": "guarded are app, more instead",
    },
    {
        "ALTER ROLE replicator NOREPLICATION NOLOGIN": "role replicator has attributes",
        "GRANT ALL ON DATABASE app TO PUBLIC": "on database app",
        "CREATE FUNCTION public.calm() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "DROP EVENT TRIGGER strongroom_drop; CREATE EVENT TRIGGER strongroom_drop ON sql_drop"
        " EXECUTE FUNCTION public.calm(); ALTER EVENT TRIGGER strongroom_drop ENABLE ALWAYS": (
            "the guard strongroom_drop is missing, changed or switched off"
        ),
        "DROP TABLE strongroom.guarded_schema CASCADE": "the list of guarded schemas is missing",
        "DROP FUNCTION IF EXISTS strongroom.under_guard": "strongroom.under_guard is missing",
        "COMMENT ON DATABASE app IS NULL": "app does not say which environment it belongs to",
        "ALTER ROLE root RESET log_statement": "the server does not log what root does",
        "ALTER DATABASE app RESET log_statement": "does not log changes of data",
        "ALTER EVENT TRIGGER strongroom_change DISABLE": "the guard strongroom_change",
        "GRANT pg_write_all_data TO replicator": "replicator is in pg_write_all_data",
    },
]


@pytest.mark.parametrize("changes", IN_THE_CATALOG)
def test_what_somebody_changed_as_root_is_noticed_and_put_back(
    sound: LocalStack, changes: dict[str, str]
) -> None:
    with sound.root() as root:
        for statement in changes:
            root.execute(statement.encode())
    drift = sound.primary.refresh()
    for sentence in changes.values():
        assert any(sentence in told for told in drift), drift
    assert len(drift) == len(changes)
    put_right(sound)


def test_a_database_that_admits_nobody_is_noticed_and_opened_again(sound: LocalStack) -> None:
    with sound.root("postgres") as root:
        root.execute("ALTER DATABASE app ALLOW_CONNECTIONS false")
    assert "root could not look into database app" in sound.primary.refresh()[0]
    put_right(sound)


@pytest.mark.parametrize("name", ["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf"])
def test_a_configuration_file_edited_by_hand_is_put_back_and_in_force(
    sound: LocalStack, name: str
) -> None:
    edits = {
        "postgresql.conf": "work_mem = '77MB'\n",
        "postgresql.auto.conf": "work_mem = '77MB'\n",
        "pg_hba.conf": "host all root 127.0.0.1/32 trust\n",
    }
    path = sound.data / name
    path.write_text(edits[name] + path.read_text() + edits[name])
    sound.cluster.reload()
    assert sound.primary.refresh() == [f"{name} is not as declared"]
    put_right(sound)
    with sound.root() as root:
        assert root.execute("SHOW work_mem").fetchone() == ("4MB",)
    with pytest.raises(psycopg.OperationalError, match="rejects"):
        psycopg.connect(host=LOOPBACK, port=sound.cluster.port, user="root", dbname="app")


def test_a_deleted_configuration_file_is_written_again(sound: LocalStack) -> None:
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (sound.data / name).unlink()
    assert len(sound.primary.refresh()) == 3
    put_right(sound)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "garbage",
        "[]",
        '{"current": {"password": "wrong", "since": "2026-01-01T00:00:00+00:00"}}',
        '{"current": {"password": 7}}',
    ],
)
def test_a_lost_or_spoilt_password_is_replaced_by_a_new_one(
    sound: LocalStack, content: str | None
) -> None:
    sealed = LocalRoot(sound.cluster).sealed
    old = sealed.current()
    assert old is not None
    if content is None:
        sealed.path.unlink()
    else:
        sealed.path.write_text(content)
    assert sound.primary.refresh() == ["root's sealed password does not work"]
    put_right(sound)
    new = sealed.current()
    assert new is not None
    assert new.value != old.value
    assert sealed.pending() is None
    assert any("sealing a new one" in told for told in sound.primary.said)


def test_what_is_known_of_the_cluster_is_written_again(sound: LocalStack) -> None:
    (sound.folder / "primary" / "cluster.json").unlink()
    assert sound.primary.refresh() == ["cluster.json is missing or not as declared"]
    put_right(sound)


def test_folders_for_socket_and_logs_are_made_again(sound: LocalStack) -> None:
    sound.cluster.stop()
    for name in ("run", "log", "tls"):
        shutil.rmtree(sound.folder / "primary" / name)
    assert "the server is stopped" in sound.primary.refresh()
    put_right(sound)


def test_a_stopped_server_is_started(sound: LocalStack) -> None:
    sound.cluster.stop()
    assert sound.primary.refresh() == ["the server is stopped"]
    put_right(sound)


def test_a_server_killed_with_all_its_children_is_started(sound: LocalStack) -> None:
    process = sound.cluster.process()
    assert process is not None
    kill([process, *process.children(recursive=True)])
    assert sound.primary.refresh() == ["the server is stopped"]
    put_right(sound)


def test_a_server_killed_without_its_children_is_started_when_they_have_left(
    sound: LocalStack,
) -> None:
    process = sound.cluster.process()
    assert process is not None
    kill([process])
    assert sound.primary.refresh() == ["the server is stopped"]
    put_right(sound)


def test_a_process_id_that_a_stranger_has_by_now_is_no_obstacle(sound: LocalStack) -> None:
    sound.cluster.stop()
    user = SystemUser.for_clusters()
    identity: dict[str, Any] = {"user": user.uid, "group": user.gid} if os.geteuid() == 0 else {}
    stranger = psutil.Popen(["/bin/sleep", "60"], **identity)
    try:
        pid_file = sound.data / "postmaster.pid"
        lines = (str(stranger.pid), sound.data, 1, sound.cluster.port, "", "", "", "ready")
        user.write(pid_file, "\n".join(map(str, lines)) + "\n")
        assert sound.primary.refresh() == ["the server is stopped"]
        put_right(sound)
        assert stranger.is_running()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_id_of_nobody_is_no_obstacle(sound: LocalStack) -> None:
    sound.cluster.stop()
    SystemUser.for_clusters().write(sound.data / "postmaster.pid", "spoilt\n")
    assert sound.primary.refresh() == ["the server is stopped"]
    put_right(sound)


def test_a_cluster_behind_a_symbolic_link_is_recognised(sound: LocalStack) -> None:
    process = sound.cluster.process()
    moved = sound.folder / "elsewhere"
    sound.cluster.stop()
    (sound.folder / "primary").rename(moved)
    (sound.folder / "primary").symlink_to(moved)
    try:
        put_right(sound)
        assert sound.cluster.running()
        assert sound.cluster.process() != process
    finally:
        sound.cluster.stop()
        Path(sound.folder / "primary").unlink()
        moved.rename(sound.folder / "primary")
    put_right(sound)
