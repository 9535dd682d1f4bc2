"""Root's password is changed in four steps, the same for both kinds of root and both stores.

Secrets Manager is simulated; its function is called step by step, as AWS does, on a server whose
root is like RDS's master.
"""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from strongroom.bootstrap import function
from strongroom.bootstrap.function import answer
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.master import MasterRoot
from strongroom.bootstrap.root import Root
from strongroom.bootstrap.rotation import Rotation
from strongroom.bootstrap.sealed import SealedPassword, candidates
from strongroom.bootstrap.secrets_manager import Secret
from strongroom.bootstrap.steps import bootstrap
from strongroom.errors import StrongroomError
from tests.live.local_stack import LocalStack
from tests.live.master_stack import MasterStack, RdsMaster

pytestmark = pytest.mark.live

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def no_instances() -> Any:
    raise AssertionError("a rotation does not ask RDS's API")


@dataclass
class Aws:
    """A secret in Secrets Manager, and the function that rotates it."""

    client: Any
    id: str
    stack: MasterStack

    @property
    def told(self) -> dict[str, str]:
        foundation = {"database": "app", "guarded": ["app"], "environment": "production"}
        return {
            "STRONGROOM_HOST": "127.0.0.1",
            "STRONGROOM_PORT": str(self.stack.cluster.port),
            "STRONGROOM_MASTER": "root",
            "STRONGROOM_TRUSTED": str(self.stack.paths.authority.certificate),
            "STRONGROOM_SECRET": self.id,
            "STRONGROOM_FOUNDATION": json.dumps(foundation),
        }

    def call(self, step: str, token: str, secret: str = "") -> dict[str, Any]:
        event = {"Step": step, "SecretId": secret or self.id, "ClientRequestToken": token}
        return answer(event, self.client, self.told, no_instances)

    def secret(self, token: str = "") -> Secret:
        return Secret(self.client, self.id, token)

    def root(self, token: str = "") -> RdsMaster:
        trusted = self.stack.paths.authority.certificate
        return RdsMaster("127.0.0.1", self.stack.cluster.port, trusted, self.secret(token))


@pytest.fixture(scope="module")
def master(strongroom_home: Path) -> Iterator[MasterStack]:
    from tests.live.conftest import _remove

    made = MasterStack(strongroom_home).make()
    yield made
    _remove(made)


@pytest.fixture
def aws(master: MasterStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "simulated")
    # What RDS lets its master do has to be lent here, see `RdsMaster`.
    monkeypatch.setattr(function, "MasterRoot", partial(RdsMaster, server=master.server))
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        first = master.master.sealed.current()
        assert first is not None
        held = {"username": "root", "password": first.value, "engine": "postgres"}
        made = client.create_secret(Name="root", SecretString=json.dumps(held))
        aws = Aws(client, made["ARN"], master)
        yield aws
        # The next test finds the master's password where this one found it.
        current = aws.secret().current()
        assert current is not None
        content = {"current": {"password": current.value, "since": current.since.isoformat()}}
        master.sealed.user.write(master.sealed.path, json.dumps(content))


def _token() -> str:
    return str(uuid.uuid4())


def test_the_function_rotates_in_four_steps_and_lays_the_foundation_after_it(aws: Aws) -> None:
    old, token = aws.secret().current(), _token()
    assert old is not None
    done = [aws.call(step, token) for step in STEPS]
    # pgaudit and pg_cron are RDS's.
    missing = done[-1].pop("missing")
    assert [each.split()[0] for each in missing] == ["pgaudit", "pg_cron"]
    assert done[-1] == {"done": "finishSecret", "drift": []}
    new = aws.secret().current()
    assert new is not None
    assert len(new.value) >= 40
    assert (aws.root().works(old), aws.root().works(new)) == (False, True)
    assert aws.secret(token).pending() is None
    kept = json.loads(aws.client.get_secret_value(SecretId=aws.id)["SecretString"])
    assert (kept["username"], kept["engine"]) == ("root", "postgres")
    stages = aws.client.describe_secret(SecretId=aws.id)["VersionIdsToStages"]
    assert sorted(stage for held in stages.values() for stage in held) == [
        "AWSCURRENT",
        "AWSPREVIOUS",
    ]


@pytest.mark.parametrize("reached", range(len(STEPS) + 1))
def test_a_rotation_cut_off_after_any_step_leaves_a_way_in_and_is_finished_by_calling_again(
    aws: Aws, reached: int
) -> None:
    token = _token()
    for step in STEPS[:reached]:
        aws.call(step, token)
    sealed = candidates(aws.secret(token))
    assert any(aws.root().works(password) for password in sealed)
    with aws.root(token).connect() as session:
        assert session.execute("SELECT current_user").fetchone() == ("root",)
    for step in STEPS:
        aws.call(step, token)
    current = aws.secret().current()
    assert current is not None
    assert aws.root().works(current)
    assert aws.secret(token).pending() is None


def test_a_step_called_twice_changes_nothing_more(aws: Aws) -> None:
    token = _token()
    seen: list[SealedPassword] = []
    for step in STEPS:
        aws.call(step, token)
        aws.call(step, token)
        seen.append(candidates(aws.secret(token))[-1])
    assert len({password.value for password in seen}) == 1


def test_a_password_that_does_not_work_is_not_left_in_the_server(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, before = _token(), aws.secret().current()
    assert before is not None
    aws.call("createSecret", token)
    sign_in = Root.sign_in

    def refusing(self: Root, password: SealedPassword, database: str = "postgres") -> Any:
        if password.value != before.value:
            import psycopg

            raise psycopg.OperationalError("the network is down")
        return sign_in(self, password, database)

    with monkeypatch.context() as patch:
        patch.setattr(Root, "sign_in", refusing)
        with pytest.raises(StrongroomError, match="the previous one was put back"):
            aws.call("setSecret", token)
        with pytest.raises(StrongroomError, match="does not open"):
            aws.call("testSecret", token)
    assert aws.root().works(before)
    for step in STEPS:
        aws.call(step, token)
    assert not aws.root().works(before)


def test_a_schedule_is_tried_by_signing_in_and_changes_nothing(aws: Aws) -> None:
    """What Secrets Manager does when a schedule is set: a version of no value, and one step."""
    token, before = _token(), aws.secret().current()
    assert before is not None
    aws.client.put_secret_value(
        SecretId=aws.id, ClientRequestToken=token, SecretString="{}", VersionStages=["AWSPENDING"]
    )
    assert aws.call("testSecret", token) == {"done": "testSecret"}
    assert aws.root().works(before)
    aws.client.update_secret_version_stage(
        SecretId=aws.id, VersionStage="AWSPENDING", RemoveFromVersionId=token
    )


def test_the_function_refuses_what_it_was_not_made_for(aws: Aws) -> None:
    with pytest.raises(StrongroomError, match="was asked to rotate 'another'"):
        aws.call("createSecret", _token(), secret="another")
    with pytest.raises(StrongroomError, match="is no step of a rotation"):
        aws.call("dropSecret", _token())
    with pytest.raises(StrongroomError, match="No new password waits"):
        aws.call("setSecret", _token())
    with pytest.raises(StrongroomError, match="takes the token"):
        Rotation(aws.root()).run()


def test_the_function_lays_the_foundation_on_its_own_too(aws: Aws) -> None:
    with aws.stack.superuser("app") as superuser:
        superuser.execute("DROP SCHEMA strongroom CASCADE")
    assert aws.stack.primary.refresh()
    done = answer({"Action": "bootstrap"}, aws.client, aws.told, no_instances)
    assert (done["done"], done["drift"]) == ("bootstrap", [])
    assert aws.stack.primary.refresh() == []


def test_without_the_platforms_help_a_master_cannot_lay_the_guard(aws: Aws) -> None:
    # That the master of these tests is no superuser in disguise.
    trusted = aws.stack.paths.authority.certificate
    plain = MasterRoot("127.0.0.1", aws.stack.cluster.port, trusted, aws.secret())
    with pytest.raises(StrongroomError, match="permission denied to create event trigger"):
        bootstrap(plain, function._foundation(aws.told))


def test_no_password_appears_in_the_servers_log_or_in_what_the_function_returns(aws: Aws) -> None:
    token = _token()
    said = json.dumps([aws.call(step, token) for step in STEPS])
    password = aws.secret().current()
    assert password is not None
    log = aws.stack.server_log()
    assert "ALTER ROLE CURRENT_USER PASSWORD 'SCRAM-SHA-256$" in log
    assert password.value not in log
    assert password.value not in said
    assert password.value not in repr(password)


@pytest.fixture(params=["superuser", "master"])
def either(request: pytest.FixtureRequest, stacks: dict[str, LocalStack]) -> Callable[[], Root]:
    """Either kind of root, with the sealed file for its store."""
    if request.param == "superuser":
        stack: LocalStack = request.getfixturevalue("own_stack")
        return lambda: LocalRoot(stack.cluster)
    master: MasterStack = request.getfixturevalue("master")
    return lambda: master.master


def test_a_sealed_file_serves_either_kind_of_root(either: Callable[[], Root]) -> None:
    old = either().sealed.current()
    assert old is not None
    since = Rotation(either()).run()
    new = either().sealed.current()
    assert new is not None
    assert new.since == since
    assert (either().works(old), either().works(new)) == (False, True)


@pytest.mark.parametrize("reached", range(5))
def test_a_sealed_file_keeps_a_way_in_after_every_step(
    either: Callable[[], Root], reached: int
) -> None:
    rotation = Rotation(either())
    for step in (rotation.create, rotation.set, rotation.test, rotation.finish)[:reached]:
        step()
    either().connect().close()
    assert not either().locked_out()
    Rotation(either()).run()
    assert either().sealed.pending() is None
    either().connect().close()


_KILLED = """
import os, signal, sys
from pathlib import Path
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.root import Root
from strongroom.bootstrap.rotation import Rotation
from strongroom.cluster.cluster import Cluster

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

rotation = Rotation(LocalRoot(Cluster.at(Path(sys.argv[1]))))
reached = int(sys.argv[2])
steps = (rotation.create, rotation.set, rotation.test, rotation.finish)
for step in steps[:reached]:
    step()
if reached == 1:
    rotation.root.connect().close()
    Root.sign_in = lambda self, password, *given, old=Root.sign_in: (
        old(self, password, *given) if password == self.sealed.current() else die())
    rotation.set()
die()
"""


@pytest.mark.parametrize("reached", range(5))
def test_a_rotation_ended_by_kill_9_is_finished_by_the_next(
    own_stack: LocalStack, reached: int
) -> None:
    """Reached 1 dies inside the second step: the server has the new password, nobody tried it."""
    command = [sys.executable, "-c", _KILLED, str(own_stack.cluster.directory), str(reached)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    root = LocalRoot(own_stack.cluster)
    assert not root.locked_out()
    Rotation(root).run()
    assert root.sealed.pending() is None
    assert len(candidates(root.sealed)) == 1
    root.connect().close()
