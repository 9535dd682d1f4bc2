"""Strongroom's own connections to a database on AWS: by IAM token, and through a proxy.

The gateway signs every token again and looks at host, port, user and age; the endpoint is a name
that only the proxy can resolve.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from moto import mock_aws
from psycopg import sql

from rehearsal.tokens import Door, Key
from strongroom.errors import StrongroomError
from strongroom.provider.access.session import connect as session_of_access
from strongroom.provider.postgresql.session import Session
from strongroom.provider.postgresql.settings import Settings
from strongroom.reach import connect, reached
from strongroom.reach.token import Signer
from strongroom.rights.inspection import inspect
from tests.live.private_network import HOST, KEYS, PORT, REGION, PrivateNetwork, private_network

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def network(strongroom_home: Path) -> Iterator[PrivateNetwork]:
    with private_network(strongroom_home) as made:
        with made.stack.superuser() as admin:
            for person in ("ada", "linus", "stranger"):
                admin.execute(f"CREATE ROLE {person} LOGIN".encode())
            admin.execute("GRANT rds_iam TO ada, linus")
            admin.execute("GRANT CONNECT ON DATABASE app TO ada, linus, stranger")
        yield made


@pytest.fixture(autouse=True)
def pipeline(network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a pipeline, and nothing of the user's AWS settings."""
    for name, value in network.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy", "all_proxy", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def _user(session: psycopg.Connection[Any]) -> Any:
    return session.execute("SELECT session_user::text").fetchone()


def _forwarders() -> int:
    return sum(thread.name == "strongroom-reach" for thread in threading.enumerate())


def _until_gone() -> None:
    deadline = time.monotonic() + 10
    while _forwarders():
        assert time.monotonic() < deadline, "a forwarder outlives its session"
        time.sleep(0.02)


def test_a_role_signs_in_by_a_token_through_the_proxy_to_the_name_tls_verifies(
    network: PrivateNetwork,
) -> None:
    with connect(network.parameters("provisioner"), autocommit=True) as session:
        assert _user(session) == ("provisioner",)
        assert session.info.host == HOST
        assert session.pgconn.ssl_in_use
        assert "X-Amz" not in session.info.dsn
        assert _forwarders() == 1
    assert network.socks.asked[-1] == (HOST, PORT)
    _until_gone()


def test_the_master_signs_in_with_its_password_on_the_same_way(network: PrivateNetwork) -> None:
    with network.master().connect() as session:
        assert _user(session) == ("root",)
    _until_gone()


def test_what_a_session_does_can_be_cancelled_through_the_proxy(network: PrivateNetwork) -> None:
    with connect(network.parameters("ada"), autocommit=True) as session:
        timer = threading.Timer(0.3, session.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(30)")
        timer.join()
    _until_gone()


def test_a_token_is_made_anew_for_every_session(network: PrivateNetwork) -> None:
    with reached(network.parameters("ada")) as first:
        pass
    time.sleep(1.1)  # tokens have the second they were made in
    with reached(network.parameters("ada")) as second:
        pass
    assert first["password"] != second["password"]


def test_a_key_whose_policy_names_one_person_opens_no_other_role(
    network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in network.environment("AKIAADA").items():
        monkeypatch.setenv(name, value)
    with connect(network.parameters("ada")) as session:
        assert _user(session) == ("ada",)
    with pytest.raises(psycopg.OperationalError, match='PAM authentication failed for user "linu'):
        connect(network.parameters("linus"))
    assert network.gateway.refused[-1] == "linus: its key may not connect as linus"


def test_who_is_not_in_rds_iam_signs_in_by_no_token(network: PrivateNetwork) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects") as caught:
        connect(network.parameters("stranger"))
    assert f'server at "{HOST}", port {PORT} (by way of ALL_PROXY) failed' in str(caught.value)


def test_nobody_but_the_master_signs_in_with_a_password(network: PrivateNetwork) -> None:
    parameters = network.parameters("ada", password="guessed")
    del parameters["aws_region"]
    with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
        connect(parameters)
    parameters["user"] = "root"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(parameters)


def test_an_unencrypted_session_is_refused(network: PrivateNetwork) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(network.parameters("ada", sslmode="disable"))


def test_another_host_behind_the_name_is_refused_by_tls(network: PrivateNetwork) -> None:
    impostor = "other.c0ffee.eu-west-1.rds.amazonaws.com"
    network.socks.routes[impostor, PORT] = network.gateway.port
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        connect(network.parameters("ada", host=impostor))


def test_a_host_the_proxy_does_not_know_is_told_with_the_proxy_and_without_its_password(
    network: PrivateNetwork,
) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        connect(network.parameters("ada", host="nowhere.example"))
    told = str(caught.value)
    assert f"nowhere.example:{PORT} through the SOCKS proxy 127.0.0.1:" in told
    assert "through the wall" not in told
    assert "walter" not in told


def test_a_wrong_password_of_the_proxy_is_told(
    network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5h://walter:wrong@127.0.0.1:{network.socks.port}")
    with pytest.raises(psycopg.OperationalError, match="through the SOCKS proxy") as caught:
        connect(network.parameters("ada"))
    assert "wrong" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_told(
    network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(StrongroomError, match=r"through the SOCKS proxy 127\.0\.0\.1:1 failed"):
        inspect(network.parameters("ada"))


def test_what_no_proxy_names_is_reached_without_it(
    network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost, *.rds.amazonaws.com")
    asked = len(network.socks.asked)
    with pytest.raises(psycopg.OperationalError, match=r"resolve|translate|Name"):
        connect(network.parameters("ada"))
    assert len(network.socks.asked) == asked


def test_a_local_server_is_never_looked_for_behind_the_proxy(
    network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(network.socks.asked)
    door = {"host": "127.0.0.1", "port": str(network.gateway.port), "sslmode": "verify-ca"}
    with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
        connect(network.parameters("ada", **door))
    assert network.gateway.refused[-1].startswith(f"ada: it is for 127.0.0.1:{door['port']}")
    assert len(network.socks.asked) == asked


def test_no_token_is_in_an_error_or_in_the_servers_log(network: PrivateNetwork) -> None:
    with reached(network.parameters("provisioner")) as parameters:
        token = parameters["password"]
    signature = token.rpartition("=")[2]
    with pytest.raises(StrongroomError) as caught:
        inspect(network.parameters("provisioner", dbname="nowhere"))
    chained = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert not any("X-Amz" in f"{error!r}{error}" for error in chained)
    assert signature not in network.stack.server_log()
    assert "X-Amz" not in network.stack.server_log()


def test_without_credentials_the_error_says_how_to_sign_in_to_aws(
    network: PrivateNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(StrongroomError, match=r"No IAM token could be made for ada .*aws sso"):
        connect(network.parameters("ada"))
    with pytest.raises(StrongroomError, match=r"profile \(nobody\) could not be found"):
        connect(network.parameters("ada", aws_profile="nobody"))


def _settings(network: PrivateNetwork, **changes: str) -> Settings:
    """As the engine hands them over, by the names of the official plugin."""
    given = {"host": HOST, "port": str(PORT), "database": "app", "username": "provisioner"}
    trusted = {"sslmode": "verify-full", "sslrootcert": str(network.authorities)}
    iam = {"awsRdsIamAuth": "true", "awsRdsIamRegion": REGION}
    return Settings.parse({**given, **trusted, **iam, "connectTimeout": "10", **changes})


def test_the_closed_network_plugin_signs_in_by_iam_through_the_proxy(
    network: PrivateNetwork,
) -> None:
    session = Session(_settings(network))
    (row,) = session.rows("look", sql.SQL("SELECT session_user::text AS me"), {})
    session.close()
    assert row == {"me": "provisioner"}
    _until_gone()


def test_the_plugin_tells_a_token_that_is_refused_with_what_helps(network: PrivateNetwork) -> None:
    session = Session(_settings(network, awsRdsIamRegion="us-east-1"))
    with pytest.raises(StrongroomError, match=r"PAM authentication failed .* be in rds_iam"):
        session.rows("look", sql.SQL("SELECT 1"), {})
    assert network.gateway.refused[-1] == "provisioner: it is for another region or service"


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Credentials that only a profile holds."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    secret = KEYS["AKIAPIPELINE"].secret
    held = f"aws_access_key_id = AKIAPIPELINE\naws_secret_access_key = {secret}"
    (tmp_path / "credentials").write_text(f"[deploy]\n{held}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return "deploy"


def test_the_plugin_signs_in_by_a_profile(network: PrivateNetwork, profile: str) -> None:
    session = Session(_settings(network, awsRdsIamProfile=profile))
    assert session.rows("look", sql.SQL("SELECT 1 AS one"), {}) == [{"one": 1}]
    session.close()


def test_the_plugin_signs_with_what_a_role_it_assumes_is_given(
    network: PrivateNetwork, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = {"awsRdsIamProviderRoleArn": "arn:aws:iam::123456789012:role/deploy"}
    given: list[dict[str, str]] = []
    assume = Signer._assumed

    def assumed(self: Signer, session: Any) -> Any:
        given.append(dict(assume(self, session)))
        return given[-1]

    monkeypatch.setattr(Signer, "_assumed", assumed)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    with mock_aws():
        session = Session(_settings(network, **role))
        with pytest.raises(StrongroomError, match="PAM authentication failed"):
            session.rows("look", sql.SQL("SELECT 1"), {})
    assert network.gateway.refused[-1] == "provisioner: it was signed by no key that is known"
    (temporary,) = given
    key = Key(temporary["aws_secret_access_key"], temporary["aws_session_token"])
    monkeypatch.setitem(KEYS, temporary["aws_access_key_id"], key)
    monkeypatch.setattr(Signer, "_assumed", lambda *_: temporary)
    assert session.rows("look", sql.SQL("SELECT 1 AS one"), {}) == [{"one": 1}]
    session.close()


def test_the_resources_of_access_connect_on_the_same_way(network: PrivateNetwork) -> None:
    with session_of_access(network.parameters("provisioner")) as session:
        assert _user(session) == ("provisioner",)
    assert inspect(network.parameters("provisioner")).database == "app"


def test_a_forwarder_goes_with_the_last_of_many_sessions_killed_or_closed(
    network: PrivateNetwork,
) -> None:
    sessions = [connect(network.parameters("ada"), autocommit=True) for _ in range(4)]
    assert _forwarders() == len(sessions)
    pids = [session.info.backend_pid for session in sessions[:2]]
    with network.stack.superuser() as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [pids])
    for session in sessions[:2]:
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    for session in sessions[2:]:
        session.close()
    with suppress(psycopg.Error):
        for session in sessions[:2]:
            session.close()
    _until_gone()


NOW = datetime.now(UTC)
_DOOR = Door(HOST, PORT, REGION, KEYS)


@pytest.mark.parametrize(
    ("host", "port", "user", "region", "age", "refusal"),
    [
        (HOST, PORT, "ada", REGION, 0, ""),
        (HOST, PORT, "ada", REGION, 14, ""),
        (HOST, PORT, "ada", REGION, 16, "too old"),
        (HOST, PORT, "ada", REGION, -10, "not valid yet"),
        ("127.0.0.1", PORT, "ada", REGION, 0, "it is for 127.0.0.1:5432"),
        (HOST, 15432, "ada", REGION, 0, ":15432"),
        (HOST, PORT, "linus", REGION, 0, "another user"),
        (HOST, PORT, "ada", "us-east-1", 0, "another region"),
    ],
)
def test_a_token_opens_one_door_to_one_role_for_fifteen_minutes(
    host: str, port: int, user: str, region: str, age: int, refusal: str
) -> None:
    token = Signer(region).token(host, port, user)
    found = _DOOR.refusal(token, "ada", datetime.now(UTC) + timedelta(minutes=age))
    assert refusal in found
    assert bool(found) == bool(refusal)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ("", "no key"),
        ("guessed", "no key"),
        ("{token}0", "signature"),
        ("{token}&DBUser=root", "signature"),
    ],
)
def test_what_was_not_signed_is_no_token(given: str, refusal: str) -> None:
    token = Signer(REGION).token(HOST, PORT, "ada")
    assert refusal in _DOOR.refusal(given.format(token=token), "ada")
    changed = token.replace("DBUser=ada", "DBUser=root")
    assert "signature" in _DOOR.refusal(changed, "root")
