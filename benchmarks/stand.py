"""A stack on the disk that a benchmark fills, destroys and recovers, and the floor beside it."""

import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from strongroom.agent.process import Agent as Process
from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.room import size_of
from strongroom.cluster.snapshots import Retention
from strongroom.cluster.vault import Vault
from strongroom.errors import StrongroomError
from strongroom.provider.local.agent import Agent, AgentInputs
from strongroom.provider.local.primary import Primary, PrimaryInputs
from strongroom.provider.local.replica import Replica, ReplicaInputs
from strongroom.provider.resource import Context
from strongroom.recovery.declared import Declared
from strongroom.recovery.situation import Situation

_TABLES = 4
# What one row takes with its two indexes; bytes.
_ROW = 240
_DELAY = 3600
_AT_ONCE = Retention(timedelta(), timedelta())
_UNITS = {"MB": 10**6, "GB": 10**9}

DATABASE = "app"


@dataclass
class Stand:
    """One stack: a primary that archives, a vault, a replica and an agent where wanted."""

    folder: Path
    inputs: PrimaryInputs
    begun: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(seconds=5))

    @classmethod
    def make(cls, folder: Path, size: int) -> "Stand":
        """Make a primary with a database of about `size` bytes in it."""
        wanted = PrimaryInputs(
            directory=str(folder / "primary"),
            database=DATABASE,
            guarded_schemas=["app"],
            vault=str(folder / "vault"),
        )
        stand = cls(folder, Primary().check(Context(), wanted, {}))
        Primary().create(Context(), stand.inputs)
        with stand.root() as root:
            root.execute("CREATE SCHEMA app")
            root.execute("GRANT USAGE, CREATE ON SCHEMA app TO app_owner")
            root.execute("SET ROLE app_owner")
            root.execute("CREATE TABLE app.journal (id bigint PRIMARY KEY, at timestamptz)")
            for number in range(_TABLES):
                _fill(root, f"app.part_{number}", max(size // _ROW // _TABLES, 1))
            root.execute("RESET ROLE")
            root.execute("VACUUM ANALYZE")
            root.execute("CHECKPOINT")
        return stand

    @property
    def cluster(self) -> Cluster:
        """The primary."""
        return Cluster.at(self.folder / "primary")

    @property
    def vault(self) -> Vault:
        """Where its snapshots and WAL lie."""
        return Vault(self.folder / "vault", self.cluster.user)

    @property
    def situation(self) -> Situation:
        """What a recovery finds."""
        return Situation(Declared(self.inputs).with_replicas(self.folder))

    def root(self, database: str = DATABASE) -> psycopg.Connection[Any]:
        """A session of root."""
        return LocalRoot(self.cluster).connect(database)

    def snapshot(self) -> None:
        """Take a full snapshot and end all before it."""
        snapshots.take(self.vault, self.cluster, full=True)
        for old in self.vault.catalog()[:-1]:
            snapshots.remove(self.vault, old, _AT_ONCE)

    def replica(self) -> None:
        """Make a replica that holds everything back from now on."""
        inputs = ReplicaInputs(
            directory=str(self.folder / "replica"),
            primary=self.inputs.directory,
            delay_seconds=_DELAY,
        )
        Replica().create(Context(), Replica().check(Context(), inputs, {}))

    def remove_replica(self) -> None:
        """End it, and what was kept of it."""
        folder = self.folder / "replica"
        if folder.exists():
            values = {**ReplicaInputs(directory=str(folder), primary=self.inputs.directory).dump()}
            Replica().delete(Context(), str(folder), {**values, "slot": "replica"})

    def forget_final_snapshots(self) -> None:
        """Free what swaps and deleted replicas left."""
        shutil.rmtree(self.folder / "final-snapshots", ignore_errors=True)

    def work(self, rows: int) -> None:
        """What an application does between two snapshots: so many rows are changed."""
        with self.root() as root:
            for number in range(_TABLES):
                root.execute(
                    f"UPDATE app.part_{number} SET n = n + 1 WHERE id <= {rows // _TABLES}".encode()
                )

    def drop_database(self) -> None:
        """The accident."""
        with self.root("postgres") as root:
            root.execute("DROP DATABASE app WITH (FORCE)")

    def journal(self) -> list[int]:
        """The rows that the writer wrote, as they are there now."""
        with self.root() as root:
            return [number for (number,) in root.execute("SELECT id FROM app.journal ORDER BY id")]

    def size(self) -> int:
        """Bytes of the application's database; 0 when it is gone."""
        with self.root("postgres") as root:
            query = "SELECT pg_database_size(oid) FROM pg_database WHERE datname = 'app'"
            row = root.execute(query).fetchone()
        return int(row[0]) if row else 0

    def agent(self, *, on: bool) -> None:
        """Start or stop the agent: heartbeat, watching and what else it does."""
        if on:
            inputs = AgentInputs(
                directory=self.inputs.directory, database=DATABASE, vault=str(self.folder / "vault")
            )
            Agent().create(Context(), inputs)
        elif Process(self.folder).running():
            Agent().delete(Context(), self.inputs.directory, {})

    def spent(self) -> float:
        """Processor seconds that agent and archiver have taken, with the programs they ran."""
        server, agent = self.cluster.process(), Process(self.folder).process()
        family = server.children() if server else []
        total = 0.0
        for each in [*family, *([agent] if agent else [])]:
            with suppress(psutil.Error):  # a session that is just ending
                if each == agent or ": archiver" in " ".join(each.cmdline()):
                    total += sum(each.cpu_times()[:4])
        return total

    def archive(self, *, on: bool) -> None:
        """Archive WAL, or run the same cluster without."""
        vault = str(self.folder / "vault") if on else ""
        self.inputs = self.inputs.model_copy(update={"vault": vault})
        Primary().update(Context(), self.inputs.directory, {}, self.inputs)

    def end(self) -> None:
        """End everything that runs."""
        self.agent(on=False)
        for facts in self.folder.rglob("cluster.json"):
            with suppress(StrongroomError, psutil.NoSuchProcess):
                process = Cluster.at(facts.parent).process()
                if process is not None:
                    process.send_signal(signal.SIGQUIT)
                    process.wait(30)


class Writer:
    """An application that commits row after row and remembers each that was acknowledged."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.acknowledged: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        before = self._stand.journal()
        self._next = before[-1] + 1 if before else 0
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _write(self) -> None:
        number = self._next
        with suppress(psycopg.Error), self._stand.root() as session:
            while not self._stop.is_set():
                session.execute("INSERT INTO app.journal VALUES (%s, now())", [number])
                self.acknowledged.append(number)
                number += 1

    def lost(self) -> int:
        """How many acknowledged rows are not there."""
        return len(set(self.acknowledged) - set(self._stand.journal()))


@contextmanager
def stand(size: int) -> Iterator[Stand]:
    """A stand on the disk that holds the system's temporary folder; all of it goes afterwards."""
    before = os.environ.get("STRONGROOM_HOME")
    with tempfile.TemporaryDirectory(prefix="sr-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        os.environ["STRONGROOM_HOME"] = home
        folder = Path(home) / "stack"
        folder.mkdir(mode=0o755)
        made: Stand | None = None
        try:
            made = Stand.make(folder, size)
            yield made
        finally:
            if made is not None:
                made.end()
            del os.environ["STRONGROOM_HOME"]
            if before is not None:
                os.environ["STRONGROOM_HOME"] = before


def plain_copy(of: Path, cluster: Cluster) -> tuple[float, int]:
    """The floor: seconds `cp` takes for a folder until all is on the disk, and its bytes."""
    to = cluster.directory / "floor"
    size = size_of(of)
    begun = time.monotonic()
    # A living server may remove a file of its own meanwhile.
    cluster.user.run("cp", "-a", "--reflink=never", of, to, timeout=3600, check=False)
    cluster.user.run(cluster.package.tool("initdb"), "--sync-only", to, timeout=3600)
    seconds = time.monotonic() - begun
    shutil.rmtree(to)
    return seconds, size


def pgbench(stand: Stand, *options: str, seconds: int, clients: int) -> float:
    """Transactions a second of pgbench's own script."""
    work = ("--no-vacuum", "--protocol=prepared", f"--time={seconds}", f"--client={clients}")
    said = run_pgbench(stand, *work, *options, patience=seconds + 120)
    found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
    return float(found[1]) if found else 0.0


def run_pgbench(stand: Stand, *options: str, patience: float = 600) -> str:
    """Run pgbench as root through the socket; returns what it printed (patience: seconds)."""
    cluster = stand.cluster
    password = LocalRoot(cluster).opening()
    passfile = cluster.directory / "pgpass"
    cluster.user.write(passfile, f"*:*:*:*:{password.value if password else ''}\n")
    # Root signs in, but as much is logged as of a service: an application is one.
    logged = "options='-c log_statement=ddl'"
    where = f"host={cluster.socket} port={cluster.port} user=root dbname=app passfile={passfile}"
    dsn = f"{where} {logged}"
    tool = cluster.package.tool("pgbench")
    return cluster.user.run(tool, *options, dsn, timeout=patience).stdout


def bytes_of(text: str) -> int:
    """Bytes of a size such as ``1GB`` or ``200MB``."""
    found = re.fullmatch(r"(\d+) ?(MB|GB)", text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2]]


def _fill(root: psycopg.Connection[Any], table: str, rows: int) -> None:
    root.execute(
        f"CREATE TABLE {table} "
        "(id int PRIMARY KEY, n int NOT NULL, at timestamptz, body text)".encode()
    )
    root.execute(
        f"INSERT INTO {table} SELECT id, id % 1000, now(), repeat(md5(id::text), 4) "
        f"FROM generate_series(1, {rows}) AS id".encode()
    )
    root.execute(f"CREATE INDEX ON {table} (n)".encode())
