"""Who comes in and how: by a certificate of their own over TLS, and root not at all."""

import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.certificates import Authority
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import SystemUser
from tests.live.conftest import Session
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live


def test_a_session_is_encrypted_with_tls_1_3_and_knows_the_certificates_name(
    session_of: Callable[[str], Session],
) -> None:
    seen = (
        session_of("esra")
        .execute("SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .fetchone()
    )
    assert seen == (True, "TLSv1.3", "/CN=esra")


def test_the_servers_certificate_is_refused_by_a_client_that_trusts_another_authority(
    stack: LocalStack, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "ca")
    other.create(SystemUser.current(), "other")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        stack.sign_in("esra", sslrootcert=str(other.certificate))


@pytest.mark.parametrize("host", [LOOPBACK, "localhost"])
def test_the_server_proves_itself_to_a_strict_client_by_name_and_by_address(
    stack: LocalStack, host: str
) -> None:
    # RFC 5280 to the letter, which Python checks by default from 3.13 on.
    strict = ssl.create_default_context(cafile=str(stack.paths.authority.certificate))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection((LOOPBACK, stack.cluster.port)) as plain:
        plain.sendall(struct.pack("!II", 8, 80877103))  # SSLRequest of PostgreSQL's protocol
        assert plain.recv(1) == b"S"
        with strict.wrap_socket(plain, server_hostname=host) as encrypted:
            assert encrypted.version() == "TLSv1.3"


def test_root_cannot_sign_in_over_tcp_with_its_password(stack: LocalStack) -> None:
    sealed = LocalRoot(stack.cluster).sealed.current()
    assert sealed is not None
    for mode in ("disable", "require"):
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects connection"):
            psycopg.connect(
                host=LOOPBACK, port=stack.cluster.port, user="root", dbname="app",
                password=sealed.value, sslmode=mode, sslcert="/none", sslkey="/none",
            )  # fmt: skip


@pytest.mark.parametrize("database", ["app", "postgres"])
def test_root_cannot_sign_in_over_tcp_with_a_certificate_of_its_own(
    stack: LocalStack, database: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects connection"):
        stack.sign_in("root", database)
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        stack.sign_in("root", database, replication="true")


@pytest.mark.parametrize("role", ["esra", "provisioner", "replicator", "web"])
def test_nobody_signs_in_without_a_certificate(stack: LocalStack, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="requires a valid client certificate"):
        stack.sign_in(role, sslcert="/none", sslkey="/none")


@pytest.mark.parametrize("role", ["esra", "ada", "provisioner", "app_owner", "tier_full"])
def test_nobody_signs_in_with_a_certificate_of_another_name(stack: LocalStack, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate authentication failed"):
        stack.sign_in(role, pair=stack.pair("chiara"))


def test_nobody_signs_in_unencrypted(stack: LocalStack) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        stack.sign_in("esra", sslmode="disable")


def test_nobody_signs_in_with_a_certificate_of_another_authority(
    stack: LocalStack, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "ca")
    other.create(SystemUser.current(), stack.folder.name)
    with pytest.raises(psycopg.OperationalError, match=r"unknown ca|alert|certificate"):
        stack.sign_in("esra", pair=stack.pair("esra", authority=other))


def test_nobody_signs_in_with_a_servers_certificate(stack: LocalStack) -> None:
    pair = stack.pair("esra")
    stack.paths.authority.issue_server(pair, SystemUser.current(), ["esra"])
    with pytest.raises(psycopg.OperationalError, match=r"unsupported certificate|alert"):
        stack.sign_in("esra", pair=pair)


@pytest.mark.parametrize("role", ["app_owner", "tier_reader", "ddl_gate"])
def test_a_group_signs_in_with_no_certificate_at_all(stack: LocalStack, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
        stack.sign_in(role)


@pytest.mark.parametrize("role", ["esra", "ada", "provisioner", "web"])
def test_nobody_but_the_replicator_opens_a_replication_connection(
    stack: LocalStack, role: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        stack.sign_in(role, replication="true")


def test_the_replicator_can_copy_the_cluster_but_enters_no_database(stack: LocalStack) -> None:
    with stack.sign_in("replicator", replication="true") as session:
        assert session.execute("IDENTIFY_SYSTEM").fetchone()
    cases: list[dict[str, Any]] = [{}, {"replication": "database"}]
    for options in cases:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            stack.sign_in("replicator", **options)


def test_a_password_somebody_sets_for_themselves_opens_nothing(stack: LocalStack) -> None:
    with stack.sign_in("esra") as esra:
        esra.execute("ALTER ROLE esra PASSWORD 'my own'")
    try:
        with pytest.raises(psycopg.OperationalError, match="requires a valid client certificate"):
            stack.sign_in("esra", sslcert="/none", sslkey="/none", password="my own")
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
            psycopg.connect(
                host=str(stack.cluster.socket), port=stack.cluster.port, user="esra",
                dbname="app", password="my own",
            )  # fmt: skip
    finally:
        with stack.sign_in("provisioner") as provisioner:
            provisioner.execute("ALTER ROLE esra PASSWORD NULL")
