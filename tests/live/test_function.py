"""The packed function does its work for those who call it on AWS: leavers, rotation, heartbeat.

The server's root is like RDS's master; the archive is the one that is given to Lambda, with the
libraries for the Python that runs the tests.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws

from strongroom.bootstrap.offers import ready
from strongroom.bootstrap.root import Root
from strongroom.bootstrap.steps import Foundation
from strongroom.errors import StrongroomError
from strongroom.provider.aws.people import People
from strongroom.provider.people import UnreachableError
from tests.live.lambda_api import Lambda, serving, unpacked
from tests.live.local_stack import Managed
from tests.live.master_stack import MasterStack

pytestmark = pytest.mark.live

EVERYONE = {"ada": "Ada Okonkwo", "zoe": "Zoe Ilves", "yuri": "Yuri Ito"}
LEFT = {"ada": "Ada Okonkwo"}
INPUTS = {"function": "strongroom-production-root", "region": "eu-west-1"}


@pytest.fixture(scope="module")
def master(strongroom_home: Path) -> Iterator[MasterStack]:
    from tests.live.conftest import _remove

    made = MasterStack(strongroom_home).make()
    with made.superuser("app") as admin:
        admin.execute("CREATE SCHEMA lab")
    yield made
    _remove(made)


@pytest.fixture(scope="module")
def function(master: MasterStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambda]:
    folder = tmp_path_factory.mktemp("lambda")
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "simulated")
        secrets = boto3.client("secretsmanager", region_name="eu-west-1")
        first = master.master.sealed.current()
        assert first is not None
        made = secrets.create_secret(
            Name="root", SecretString=json.dumps({"password": first.value})
        )
        foundation = {"database": "app", "guarded": ["app"], "environment": "production"}
        told = {
            "STRONGROOM_HOST": "127.0.0.1",
            "STRONGROOM_PORT": str(master.cluster.port),
            "STRONGROOM_INSTANCE": "strongroom-production-primary",
            "STRONGROOM_MASTER": "root",
            "STRONGROOM_TRUSTED": str(folder / "task" / "authorities.pem"),
            "STRONGROOM_SECRET": made["ARN"],
            "STRONGROOM_FOUNDATION": json.dumps(foundation),
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
        }
        found = Lambda(unpacked(folder, master.paths.authority.certificate), told)
        with serving(found, secrets) as url:
            found.told = {**told, "AWS_ENDPOINT_URL_SECRETS_MANAGER": url}
            patch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
            yield found


FOUNDATION = Foundation("app", ("app",), "production", replicator=False)


def ask(function: Lambda, name: str = "root", **event: Any) -> tuple[Any, bool]:
    return function.invoke(name, json.dumps(event).encode())


@pytest.fixture
def people(master: MasterStack, function: Lambda) -> Iterator[Managed]:
    with master.superuser("app") as admin:
        for role in ("zoe", "yuri"):
            admin.execute(f"SET ROLE provisioner; CREATE ROLE {role} LOGIN; RESET ROLE".encode())
            admin.execute(f"GRANT CONNECT ON DATABASE app TO {role}".encode())
            admin.execute(f"CREATE TABLE lab.by_{role} (id int)".encode())
            admin.execute(f"ALTER TABLE lab.by_{role} OWNER TO {role}".encode())
    made = Managed(People(), "people")
    made.create(**INPUTS, people=EVERYONE)
    function.calls.clear()
    yield made
    with master.superuser("app") as admin:
        admin.execute("DROP TABLE lab.by_zoe, lab.by_yuri")
        admin.execute("SET strongroom.confirm = 'drop owned'")
        admin.execute("DROP OWNED BY zoe, yuri; DROP ROLE zoe, yuri")


def test_nobody_is_asked_while_nobody_leaves(people: Managed, function: Lambda) -> None:
    assert people.up(people=EVERYONE).updates == ()
    assert function.calls == []


def test_a_leaver_is_looked_at_through_the_alias_and_retired_through_the_function(
    master: MasterStack, people: Managed, function: Lambda
) -> None:
    people.preview(people=LEFT)
    assert (
        "yuri leaves: signing in is refused, 1 object in app given to app_owner, rights on 1 "
        "object taken, the role dropped"
    ) in people.said
    assert [(name, event["Action"]) for name, event, _ in function.calls] == [
        ("strongroom-production-root:look", "outlook")
    ]
    people.up(people=LEFT)
    with master.superuser("app") as admin:
        query = "SELECT rolname FROM pg_roles WHERE rolname IN ('zoe', 'yuri') AND rolcanlogin"
        assert admin.execute(query).fetchall() == []
        query = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'lab'"
        assert admin.execute(query).fetchall() == [("app_owner",)]
    assert people.up().updates == ()
    assert all(str(function.folder) in each for each in function.loaded)
    assert any("psycopg_binary" in each for each in function.loaded)


def test_who_may_only_look_can_change_nothing(function: Lambda) -> None:
    said, failed = ask(function, "root:look", Action="retire", Roles=["ada"])
    assert failed
    assert said["errorType"] == "StrongroomError"
    assert "was asked for 'retire', so nothing was changed" in said["errorMessage"]


def test_a_leaver_who_cannot_be_retired_is_told_in_the_functions_own_words(
    people: Managed, function: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(function.told, "STRONGROOM_SECRET", "another")
    people.preview(people=LEFT)
    assert any(
        "what leavers would leave behind was not looked at: Root" in one for one in people.said
    )
    with pytest.raises(StrongroomError, match="Root cannot sign in") as refused:
        people.up(people=LEFT)
    assert str(refused.value).count("Root cannot sign in") == 2


def test_a_function_that_cannot_be_reached_warns_a_preview_and_fails_an_update(
    people: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9")
    assert people.preview(people=LEFT).updates
    assert any(one.startswith("what leavers would leave behind was not") for one in people.said)
    assert any("the role dropped (it was not looked at)" in one for one in people.said)
    with pytest.raises(UnreachableError, match="could not be asked to retire"):
        people.up(people=LEFT)


@contextmanager
def superuser_root(master: MasterStack) -> Iterator[None]:
    """RDS lets its master make event triggers; here it takes a superuser."""
    master._lend(True)
    try:
        yield
    finally:
        master._lend(False)


def test_the_packed_function_rotates_and_lays_the_foundation(
    master: MasterStack, function: Lambda
) -> None:
    token, secret = str(uuid.uuid4()), function.told["STRONGROOM_SECRET"]
    said: Any = None
    with superuser_root(master):
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            said, failed = ask(function, Step=step, SecretId=secret, ClientRequestToken=token)
            assert not failed, said
        assert (said["done"], said["drift"]) == ("finishSecret", [])
        said, failed = ask(function, Action="bootstrap")
    # Other tests sign in as root with what is sealed in a file.
    client = boto3.client("secretsmanager", "eu-west-1")
    held = client.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
    new = {"password": json.loads(held["SecretString"])["password"], "since": said["rotatedAt"]}
    master.sealed.user.write(master.sealed.path, json.dumps({"current": new}))
    assert not failed, said
    assert said["drift"] == []
    # The package has no pgaudit and no pg_cron.
    assert [each.split()[0] for each in said["missing"]] == ["pgaudit", "pg_cron"]
    assert "nothing writes the heartbeat" in said["missing"][1]


_CRON = """
CREATE SCHEMA cron;
CREATE TABLE cron.job (jobname text, schedule text, command text, username text,
    UNIQUE (jobname, username));
GRANT SELECT, INSERT, UPDATE ON cron.job TO PUBLIC;
ALTER SCHEMA cron OWNER TO root;
CREATE FUNCTION cron.schedule(name text, at text, command text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO cron.job VALUES (name, at, command, current_user)
    ON CONFLICT (jobname, username) DO UPDATE SET schedule = excluded.schedule,
        command = excluded.command RETURNING 1::bigint
$$;
GRANT EXECUTE ON FUNCTION cron.schedule TO PUBLIC;
SET allow_system_table_mods = on;
INSERT INTO pg_extension SELECT 99999, 'pg_cron', r.oid, n.oid, false, '1.6'
    FROM pg_roles r, pg_namespace n WHERE rolname = 'rdsadmin' AND nspname = 'cron';
"""


@pytest.fixture
def with_cron(master: MasterStack) -> Iterator[psycopg.Connection[Any]]:
    """A server on which pg_cron is there, without its clock."""
    with master.superuser("app") as admin:
        admin.execute(_CRON)
        yield admin
        admin.execute("RESET ROLE")
        admin.execute("DELETE FROM pg_extension WHERE extname = 'pg_cron'")
        admin.execute("DROP SCHEMA cron CASCADE")


def test_the_heart_beats_as_the_provisioner_and_its_log_tells_of_commits(
    master: MasterStack, with_cron: psycopg.Connection[Any]
) -> None:
    for _ in range(2):
        assert [each.split()[0] for each in ready(master.master, FOUNDATION)] == ["pgaudit"]
    query = "SELECT jobname, schedule, command, username FROM cron.job ORDER BY jobname"
    jobs = with_cron.execute(query).fetchall()
    assert [(name, at, who) for name, at, _, who in jobs] == [
        ("strongroom beat", "2 seconds", "provisioner"),
        ("strongroom tell", "* * * * *", "provisioner"),
    ]
    assert master.primary.refresh() == []
    beat, tell = (command for _, _, command, _ in jobs)
    with_cron.execute("SET ROLE provisioner")
    with_cron.execute(tell)
    with_cron.execute(beat)
    with_cron.execute(tell)
    entries = [json.loads(each) for each in master.server_log().splitlines() if each[:1] == "{"]
    told = [(each["error_severity"], each["message"]) for each in entries if "message" in each]
    never = ("WARNING", "strongroom heartbeat: the last commit arrived never")
    arrives = ("LOG", "strongroom heartbeat: commits arrive")
    assert [each for each in told if "heartbeat" in each[1]][-2:] == [never, arrives]


def test_a_lost_session_is_no_extension_that_is_missing(
    master: MasterStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Root.connect

    def ended(self: Root, database: str = "postgres") -> psycopg.Connection[Any]:
        session = connect(self, database)
        with master.superuser() as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])
        return session

    monkeypatch.setattr(Root, "connect", ended)
    with pytest.raises(StrongroomError, match="The foundation is laid"):
        ready(master.master, FOUNDATION)
