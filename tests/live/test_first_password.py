"""Root gets its first password through RDS's API, and goes back in by it; cut off at any call.

Secrets Manager is simulated, and so is the one call of RDS: it sets the password of a real
server's master, some time later, as RDS does.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from psycopg import sql

from strongroom.bootstrap import function, resetting
from strongroom.bootstrap.function import answer
from strongroom.bootstrap.master import MasterRoot
from strongroom.bootstrap.resetting import Resetting
from strongroom.bootstrap.scram import random_password, verifier
from strongroom.bootstrap.secrets_manager import Secret
from strongroom.errors import StrongroomError
from tests.live.master_stack import MasterStack, RdsMaster

pytestmark = pytest.mark.live


class InvalidDBInstanceStateFault(Exception):  # noqa: N818 - AWS calls it so
    """By the name of boto3's."""


class CutOffError(BaseException):
    """Stands for the kill: nothing of the run is done after it."""


@dataclass
class Cutting:
    """Ends the run at one of its calls to AWS, before or after it is done."""

    at: float = float("inf")
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def cut(**request: Any) -> Any:
            with self.lock:
                number, self.calls = self.calls, self.calls + 1
            if number == self.at:
                raise CutOffError
            try:
                return call(**request)
            finally:
                if number + 0.5 == self.at:
                    raise CutOffError

        return cut


class Client:
    """Calls of a client of boto3's, as a run makes them."""

    def __init__(self, client: Any, cutting: Cutting) -> None:
        self._client, self._cutting = client, cutting

    def __getattr__(self, name: str) -> Any:
        return self._cutting.around(getattr(self._client, name))


@dataclass
class Rds:
    """The call of RDS that sets a master's password.

    Attributes:
        stack: the instance.
        delay: seconds until it has done so.
        busy: how many calls it refuses before, because it is changing something.
        asked: which instances were changed.
    """

    stack: MasterStack
    delay: float = 0.1
    busy: int = 0
    asked: list[str] = field(default_factory=list)
    timers: list[threading.Timer] = field(default_factory=list)

    def modify_db_instance(self, **request: Any) -> dict[str, Any]:
        if self.busy:
            self.busy -= 1
            raise InvalidDBInstanceStateFault
        assert request["ApplyImmediately"] is True
        assert 8 <= len(request["MasterUserPassword"]) <= 128
        self.asked.append(request["DBInstanceIdentifier"])
        self.timers.append(threading.Timer(self.delay, set_password, (self.stack, request)))
        self.timers[-1].start()
        return {}


def set_password(stack: MasterStack, request: dict[str, Any]) -> None:
    statement = sql.SQL("ALTER ROLE root PASSWORD {}")
    with stack.superuser() as admin:
        admin.execute(statement.format(sql.Literal(verifier(request["MasterUserPassword"]))))


@dataclass
class Account:
    """An AWS account with a new instance, whose master's password nobody kept."""

    client: Any
    id: str
    stack: MasterStack
    rds: Rds

    @property
    def told(self) -> dict[str, str]:
        foundation = {"database": "app", "guarded": ["app"], "environment": "production"}
        return {
            "STRONGROOM_HOST": "127.0.0.1",
            "STRONGROOM_PORT": str(self.stack.cluster.port),
            "STRONGROOM_INSTANCE": "production-primary",
            "STRONGROOM_MASTER": "root",
            "STRONGROOM_TRUSTED": str(self.stack.paths.authority.certificate),
            "STRONGROOM_SECRET": self.id,
            "STRONGROOM_FOUNDATION": json.dumps(foundation),
        }

    def call(self, action: str, cutting: Cutting | None = None, **more: Any) -> dict[str, Any]:
        cutting = cutting or Cutting()
        clients = Client(self.client, cutting), Client(self.rds, cutting)
        return answer({"Action": action, **more}, clients[0], self.told, lambda: clients[1])

    def secret(self) -> Secret:
        return Secret(self.client, self.id)

    def root(self) -> MasterRoot:
        trusted = self.stack.paths.authority.certificate
        return MasterRoot("127.0.0.1", self.stack.cluster.port, trusted, self.secret())

    def opens(self) -> bool:
        current = self.secret().current()
        return current is not None and self.root().works(current)

    def stages(self) -> list[str]:
        return sorted(stage for held in self.secret().stages().values() for stage in held)


@pytest.fixture(scope="module")
def master(strongroom_home: Path) -> Iterator[MasterStack]:
    from tests.live.conftest import _remove

    made = MasterStack(strongroom_home).make()
    yield made
    _remove(made)


@pytest.fixture
def account(master: MasterStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "simulated")
    monkeypatch.setattr(function, "MasterRoot", partial(RdsMaster, server=master.server))
    monkeypatch.setattr(function, "Resetting", partial(Resetting, pause=0.05))
    set_password(master, {"MasterUserPassword": random_password()})
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        rds = Rds(master)
        yield Account(client, client.create_secret(Name="root")["ARN"], master, rds)
    for timer in rds.timers:
        timer.join()


def test_root_gets_its_first_password_and_then_lays_the_foundation(account: Account) -> None:
    assert account.call("bootstrap").items() >= {"done": "bootstrap", "drift": []}.items()
    assert account.opens()
    assert account.stages() == ["AWSCURRENT"]
    assert account.rds.asked == ["production-primary"]


def test_root_that_has_a_password_which_works_keeps_it(account: Account) -> None:
    account.call("bootstrap")
    before = account.secret().current()
    account.call("bootstrap")
    assert account.secret().current() == before
    assert len(account.rds.asked) == 1


def test_an_instance_that_is_being_changed_is_waited_for(account: Account) -> None:
    account.rds.busy = 3
    account.call("bootstrap")
    assert account.opens()


@pytest.mark.parametrize("call", range(9))
@pytest.mark.parametrize("after", [0.0, 0.5], ids=["before", "after"])
def test_cut_off_at_any_call_the_next_run_finishes_with_the_same_password(
    account: Account, call: int, after: float
) -> None:
    cutting = Cutting(call + after)
    try:
        account.call("bootstrap", cutting)
    except CutOffError:
        pass
    else:
        pytest.fail(f"there are only {cutting.calls} calls")
    sealed = list(account.secret().stages())
    assert account.call("bootstrap").items() >= {"done": "bootstrap", "drift": []}.items()
    assert account.opens()
    assert account.stages() == ["AWSCURRENT"]
    assert list(account.secret().stages()) == sealed or not sealed


def test_root_that_was_locked_out_gets_back_in_with_another_password(account: Account) -> None:
    account.call("bootstrap")
    lost = account.secret().current()
    set_password(account.stack, {"MasterUserPassword": random_password()})
    assert not account.opens()
    account.call("bootstrap")
    assert account.opens()
    assert account.secret().current() != lost
    assert account.stages() == ["AWSCURRENT", "AWSPREVIOUS"]


def test_a_server_that_does_not_answer_is_no_reason_for_another_password(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.call("bootstrap")
    nowhere = {**account.told, "STRONGROOM_PORT": "1"}
    monkeypatch.setattr(Account, "told", nowhere)
    with pytest.raises(StrongroomError, match="Root cannot sign in"):
        account.call("bootstrap")
    assert len(account.rds.asked) == 1


def test_a_password_that_never_comes_into_use_is_told_and_stays_pending(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = partial(Resetting, pause=0.05, patience=0.5)
    account.rds.delay = 2
    with monkeypatch.context() as patch:
        patch.setattr(function, "Resetting", impatient)
        with pytest.raises(StrongroomError, match=r"after 0 s: the password is refused") as caught:
            account.call("bootstrap")
    held = account.client.get_secret_value(SecretId=account.id)["SecretString"]
    assert json.loads(held)["password"] not in str(caught.value)
    assert "AWSPENDING" in account.stages()
    account.call("bootstrap")
    assert account.opens()
    assert resetting.unfinished(account.secret()) is False


def test_the_password_of_a_call_that_was_quicker_is_the_one_that_counts(account: Account) -> None:
    secret = Secret(account.client, account.id, resetting.first_token(account.id))
    quicker = secret.begin()

    class ResourceExistsException(Exception):  # noqa: N818 - AWS calls it so
        """As AWS answers a second value for one version."""

    class Late:
        """Has not seen the other's version before it stores its own."""

        looked = False

        def __getattr__(self, name: str) -> Any:
            return getattr(account.client, name)

        def describe_secret(self, **request: str) -> Any:
            seen, self.looked = self.looked, True
            return account.client.describe_secret(**request) if seen else {}

        def put_secret_value(self, **_: Any) -> Any:
            raise ResourceExistsException

    assert Secret(Late(), account.id, secret.token).begin().value == quicker.value


def test_rotation_on_purpose_is_asked_of_secrets_manager(account: Account) -> None:
    account.call("bootstrap")
    asked: list[dict[str, Any]] = []

    class Rotating:
        def __getattr__(self, name: str) -> Any:
            return getattr(account.client, name)

        def rotate_secret(self, **request: Any) -> dict[str, Any]:
            asked.append(request)
            return {"VersionId": "the next"}

    done = answer({"Action": "rotate"}, Rotating(), account.told, lambda: account.rds)
    assert done == {"done": "rotate", "version": "the next"}
    assert asked == [{"SecretId": account.id}]


def test_the_function_tells_what_a_leaver_leaves_and_takes_it_over(account: Account) -> None:
    account.call("bootstrap")
    with account.root().connect("app") as root:
        root.execute("CREATE ROLE leaver LOGIN")
        root.execute("GRANT leaver TO root WITH INHERIT TRUE, SET TRUE")
        root.execute("CREATE SCHEMA theirs AUTHORIZATION leaver")
        root.execute("CREATE TABLE theirs.notes ()")
        root.execute("ALTER TABLE theirs.notes OWNER TO leaver")
    roles = ["leaver", "nobody"]
    told = account.call("outlook", Roles=roles)
    assert told["done"] == "outlook"
    assert list(told["left"]) == ["leaver"]
    assert "2 objects in app given to app_owner" in told["left"]["leaver"]
    assert account.call("retire", Roles=roles) == {**told, "done": "retire"}
    with account.root().connect("app") as root:
        owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'notes'"
        assert root.execute(owner).fetchone() == ("app_owner",)
        root.execute("DROP ROLE leaver")
        root.execute("SET ROLE app_owner")
        root.execute("SET strongroom.confirm = 'drop theirs'")
        root.execute("DROP SCHEMA theirs CASCADE")
    assert account.call("outlook", Roles=roles)["left"] == {}
