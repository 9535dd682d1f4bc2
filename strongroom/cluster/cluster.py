"""One PostgreSQL cluster on this machine: its folder, its files and its server process."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tenacity import retry, retry_if_exception_message, stop_after_delay, wait_fixed

from strongroom.cluster.certificates import KeyPair
from strongroom.cluster.configuration import FIXED, HBA, LOOPBACK, render
from strongroom.cluster.lock import locked
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.port import taken
from strongroom.cluster.room import end_writers
from strongroom.cluster.server_log import ServerLog
from strongroom.cluster.system_user import SystemUser, passable
from strongroom.errors import StrongroomError

# sizeof(sockaddr_un.sun_path) is 108 on Linux, and the server's socket is .s.PGSQL.<port>.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.65535")


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
            facts = json.loads(_facts(directory).read_text())
            package = ServerPackage(Path(facts["bin"]), facts["version"])
            return cls(directory, facts["port"], package, SystemUser.owning(directory))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StrongroomError(
                f"There is no cluster in {directory} ({error}), so there is nothing to connect "
                "to. Run `make up` to make the local stack, as the user who is to own it."
            ) from error

    @property
    def facts(self) -> Path:
        """What `at` needs, written once the cluster was made."""
        return _facts(self.directory)

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
            lives = process.status() != psutil.STATUS_ZOMBIE
            mine = lives and Path(process.cwd()) == self.data.resolve()
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if mine else None

    def prepare_folders(self) -> None:
        """Make the folders around the data."""
        self.user.folder(self.directory)
        for folder in (self.socket, self.log, self.directory / "tls"):
            self.user.folder(folder)

    def remember(self) -> None:
        """Write down the facts."""
        facts = {"port": self.port, "bin": str(self.package.bin), "version": self.package.version}
        self.user.write(self.facts, json.dumps(facts, indent=2))

    def remembered(self) -> bool:
        """Whether `at` finds this cluster."""
        try:
            return Cluster.at(self.directory).port == self.port
        except StrongroomError:
            return False

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
        end_writers(self.directory / f".new-{name}")
        for leftover in self.directory.glob(f".new-{name}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # A name of its own each time: a process that was just killed may still end a write.
        return self.directory / f".new-{name}-{secrets.token_hex(4)}"

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
            self.refuse_taken_port()
            self._start()

    # After a kill -9 the old server's children need a moment to notice and leave.
    @retry(
        retry=retry_if_exception_message(match=r".*(already exists|still in use)"),
        stop=stop_after_delay(10),
        wait=wait_fixed(0.5),
        reraise=True,
    )
    def _start(self) -> None:
        self._forget_dead_server()
        log = ServerLog(self.log)
        startup = self.log / "startup.log"
        done = self._pg_ctl("start", "--wait", "--timeout=120", f"--log={startup}", check=False)
        if done.returncode != 0:
            raise StrongroomError(
                f"The server in {self.data} did not start: {log.reason() or done.stderr.strip()}. "
                f"Its data is untouched; its log is in {self.log}. Mend the cause and run "
                "`pulumi up` again."
            )

    def _forget_dead_server(self) -> None:
        """Remove the process id file of a server that had no time to do so itself.

        PostgreSQL does that too, unless the number belongs to another process by now, as is
        likely after a restart of the machine. Children can outlive a killed server for a moment;
        while one does, PostgreSQL has to see the file and refuse to start.
        """
        here = str(self.data.resolve())
        if not any(one.info["cwd"] == here for one in psutil.process_iter(["cwd"])):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def refuse_taken_port(self) -> None:
        """Raise `StrongroomError` when another process listens where this server should."""
        if taken(self.port):
            raise StrongroomError(
                f"Port {self.port} of {LOOPBACK}, on which {self.directory.name} is to be reached, "
                "is taken by another process, so the server is not started there. End that "
                "process, or give the cluster another port (`pulumi config set port … -s local`)."
            )

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

    def locked(self, patience: float = 120) -> AbstractContextManager[None]:
        """Keep other work of Strongroom away from this cluster meanwhile.

        Args:
            patience: seconds to wait for another one to finish.
        """
        # Beside the folder, which can be moved away or removed while the lock is held.
        passable(self.directory.parent)
        beside = self.directory.with_name(f"{self.directory.name}.lock")
        return locked(beside, self.directory, patience)


def _facts(directory: Path) -> Path:
    return directory / "cluster.json"


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
