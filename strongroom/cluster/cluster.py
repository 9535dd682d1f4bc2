"""One PostgreSQL cluster on this machine: its folder, its files and its server process."""

import fcntl
import hashlib
import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from strongroom.cluster.certificates import KeyPair
from strongroom.cluster.configuration import FIXED, HBA, LOOPBACK, render
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError

# sizeof(sockaddr_un.sun_path) is 108 on Linux, and the server's socket is .s.PGSQL.<port>.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.65535")

# Below the ephemeral ports of Linux (32768), away from the registered ones people use.
_PORTS = range(15432, 25432)


@dataclass(frozen=True)
class Cluster:
    """A cluster and how to reach it.

    Attributes:
        directory: holds everything of the cluster: data, certificates, logs, socket, secrets.
        port: TCP port on the loopback address, 1024 to 65535.
        package: the PostgreSQL it runs on.
        user: the system user that owns it.
    """

    directory: Path
    port: int
    package: ServerPackage
    user: SystemUser

    @classmethod
    def at(cls, directory: Path) -> "Cluster":
        """The cluster that was made in `directory`.

        Raises:
            StrongroomError: there is none.
        """
        try:
            facts = json.loads((directory / "cluster.json").read_text())
            package = ServerPackage(Path(facts["bin"]), facts["version"])
            return cls(directory, facts["port"], package, SystemUser.owning(directory))
        except (OSError, ValueError, KeyError) as error:
            raise StrongroomError(
                f"There is no cluster in {directory} ({error}), so there is nothing to connect "
                "to. Run `make up` to make the local stack, as the user who is to own it."
            ) from error

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.directory / "data"

    @property
    def socket(self) -> Path:
        """The folder of the Unix socket, the only way in for root."""
        return self.directory / "run"

    @property
    def log(self) -> Path:
        """The folder of the server's logs (JSON, one file a day)."""
        return self.directory / "log"

    @property
    def server_pair(self) -> KeyPair:
        """What the server proves itself with."""
        return KeyPair(self.directory / "tls" / "server.crt", self.directory / "tls" / "server.key")

    def exists(self) -> bool:
        """Whether a cluster was completely made here."""
        return (self.data / "PG_VERSION").exists()

    def running(self) -> bool:
        """Whether this cluster's server process lives."""
        return self.process() is not None

    def process(self) -> psutil.Process | None:
        """The server process, told from a stranger that got its old process id by its folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(pid)
            mine = process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self.data)
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if mine else None

    def prepare_folders(self) -> None:
        """Make the folders around the data."""
        self.user.folder(self.directory)
        for folder in (self.socket, self.log, self.directory / "tls"):
            self.user.folder(folder)

    def remember(self) -> None:
        """Write down what `at` needs."""
        facts = {"port": self.port, "bin": str(self.package.bin), "version": self.package.version}
        self.user.write(self.directory / "cluster.json", json.dumps(facts, indent=2))

    def initialise(self, superuser: str, password_file: Path) -> None:
        """Make the data folder, whole or not at all, with checksums and UTF-8.

        Args:
            superuser: the name of the one superuser.
            password_file: holds its password; readable by the cluster's user only.
        """
        new = self.fresh("data")
        self.user.run(
            *(self.package.tool("initdb"), "--pgdata", new, "--username", superuser),
            *("--pwfile", password_file, "--auth=scram-sha-256", "--data-checksums"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            "--no-instructions",
            timeout=300,
        )
        new.rename(self.data)

    def fresh(self, name: str) -> Path:
        """A path beside the data for something unfinished; what a killed run left goes."""
        for leftover in self.directory.glob(f".new-{name}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        return self.directory / f".new-{name}"

    def settings(self, extra: Mapping[str, str]) -> dict[str, str]:
        """All settings the cluster should run with: ours and the stack's."""
        pair = self.server_pair
        return {
            **extra,
            **FIXED,
            "cluster_name": self.directory.name,
            "port": str(self.port),
            "unix_socket_directories": str(self.socket),
            "log_directory": str(self.log),
            "ssl_cert_file": str(pair.certificate),
            "ssl_key_file": str(pair.key),
            "ssl_ca_file": str(self.directory / "tls" / "ca.crt"),
        }

    def files(self, extra: Mapping[str, str]) -> dict[Path, str]:
        """The configuration files as they should be."""
        return {
            self.data / "postgresql.conf": render(self.settings(extra)),
            self.data / "postgresql.auto.conf": "",
            self.data / "pg_hba.conf": HBA,
            self.data / "pg_ident.conf": "",
        }

    def configure(self, extra: Mapping[str, str]) -> list[str]:
        """Write the configuration files; returns the names of those that were not so before."""
        changed = self.misconfigured(extra)
        for path, content in self.files(extra).items():
            if path.name in changed:
                self.user.write(path, content)
        return changed

    def misconfigured(self, extra: Mapping[str, str]) -> list[str]:
        """Names of configuration files that are not as they should be."""
        wrong = []
        for path, content in self.files(extra).items():
            try:
                same = path.read_text() == content
            except OSError:
                same = False
            if not same:
                wrong.append(path.name)
        return wrong

    def start(self) -> None:
        """Start the server unless it runs; it outlives this process.

        Raises:
            StrongroomError: it did not start; says what the server gave as its reason.
        """
        if not self.running():
            self._refuse_taken_port()
            self._start()

    # After a kill -9 the old server's children need a moment to notice and leave.
    @retry(
        retry=retry_if_exception_type(StrongroomError),
        stop=stop_after_delay(10),
        wait=wait_fixed(1),
        reraise=True,
    )
    def _start(self) -> None:
        startup = self.log / "startup.log"
        begin = startup.stat().st_size if startup.exists() else 0
        done = self._pg_ctl("start", "--wait", "--timeout=120", f"--log={startup}", check=False)
        if done.returncode != 0:
            said = startup.read_text()[begin:].strip().splitlines() if startup.exists() else []
            reason = " / ".join(said[-5:]) or done.stderr.strip()
            raise StrongroomError(
                f"The server in {self.data} did not start: {reason}. Its data is untouched; its "
                f"log is in {self.log}. Mend the cause and run `pulumi up` again."
            )

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self.port))
            except OSError as error:
                raise StrongroomError(
                    f"Port {self.port} of {LOOPBACK}, on which {self.directory.name} has always "
                    "been reached, is taken by another process, so the server is not started. "
                    "End that process, or give the cluster another port "
                    "(`pulumi config set port … -s local`)."
                ) from error

    def stop(self) -> None:
        """Stop the server cleanly, ending sessions; everything committed is on disk."""
        if self.running():
            self._pg_ctl("stop", "--wait", "--timeout=120", "--mode=fast")

    def reload(self) -> None:
        """Make the running server read its configuration files."""
        self._pg_ctl("reload")

    def _pg_ctl(
        self, action: str, *options: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        pg_ctl = self.package.tool("pg_ctl")
        return self.user.run(
            *(pg_ctl, action, "--pgdata", self.data, "--silent"), *options, timeout=150, check=check
        )

    @contextmanager
    def locked(self, patience: float = 120) -> Iterator[None]:
        """Keep other work of Strongroom away from this cluster meanwhile.

        Args:
            patience: seconds to wait for another one to finish.
        """
        self.user.folder(self.directory)
        with (self.directory / "lock").open("w") as lock:
            deadline = time.monotonic() + patience
            while not _taken(lock):
                if time.monotonic() > deadline:
                    raise StrongroomError(
                        f"Another process of Strongroom has been working on {self.directory} for "
                        f"{patience:.0f} s, so this one stays away and changes nothing. Wait for "
                        "it to end and run the command again."
                    )
                time.sleep(0.1)
            yield


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def refuse_long_socket(directory: Path) -> str | None:
    """Why `directory` cannot hold a cluster: its socket's path would be too long."""
    length = len(str(directory / "run").encode())
    if length <= _LONGEST_SOCKET_FOLDER:
        return None
    return (
        f"{directory} is too long by {length - _LONGEST_SOCKET_FOLDER} bytes: the path of a Unix "
        "socket has at most 107, so the server could not be reached. Set STRONGROOM_HOME to a "
        "shorter folder"
    )


def free_port(seed: bytes, avoid: set[int]) -> int:
    """A free port of the loopback address, the same one for the same seed while it stays free.

    Raises:
        StrongroomError: none of a hundred tries was free.
    """
    choices = random.Random(hashlib.sha256(seed).digest())  # noqa: S311 - not a secret
    for port in choices.sample(_PORTS, 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port not in avoid and probe.connect_ex((LOOPBACK, port)) != 0:
                return port
    raise StrongroomError(
        f"No free port was found between {_PORTS.start} and {_PORTS.stop - 1} on {LOOPBACK} in "
        "100 tries, so no server can be started. Name one with `pulumi config set port …`."
    )
