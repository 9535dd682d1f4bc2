"""A stack in which something is destroyed while somebody writes, and what must be there again."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psycopg

from strongroom.cluster import snapshots
from strongroom.cluster.system_user import SystemUser
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.incident.events import Event, Kind
from strongroom.incident.find import find
from strongroom.provider.local.primary import PrimaryInputs
from strongroom.recovery.declared import Declared
from strongroom.recovery.plan import Plan, Way, Wish, make
from strongroom.recovery.record import Outcome
from strongroom.recovery.run import Run
from strongroom.recovery.situation import Situation
from strongroom.recovery.target import Target
from tests.live.local_stack import LocalStack, Managed

_SCHEMA = """
    CREATE SCHEMA app;
    GRANT USAGE, CREATE ON SCHEMA app TO app_owner;
"""
_TABLES = """
    SET ROLE app_owner;
    CREATE TABLE app.journal (id bigint PRIMARY KEY, body text);
    CREATE TABLE app.orders (id serial PRIMARY KEY, item text NOT NULL CHECK (item <> ''));
    CREATE INDEX orders_item ON app.orders (item);
    INSERT INTO app.orders (item) SELECT 'item ' || n FROM generate_series(1, 500) AS n;
    CREATE TABLE app.lines (id serial PRIMARY KEY, of int REFERENCES app.orders (id));
    INSERT INTO app.lines (of) SELECT id FROM app.orders;
    CREATE VIEW app.shown AS SELECT id, item FROM app.orders;
    RESET ROLE;
"""


class Quiet:
    """Follows a run, and can stop it after a step as a kill would."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.kept: list[str] = []

    def step(self, number: int, count: int, title: str) -> None:
        self.steps.append(f"{number}/{count} {title}")

    def note(self, text: str) -> None:
        pass

    def keep(self, text: str) -> None:
        self.kept.append(text)


class Writer:
    """Somebody who commits row after row and remembers each that was acknowledged."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene
        self.acknowledged: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def wait_for(self, more: int) -> None:
        """Wait until so many more rows are acknowledged."""
        goal, deadline = len(self.acknowledged) + more, time.monotonic() + 20
        while len(self.acknowledged) < goal:
            assert time.monotonic() < deadline, "the writer does not get on"
            time.sleep(0.01)

    def _write(self) -> None:
        try:
            with self._scene.stack.root() as session:
                while not self._stop.is_set():
                    number = len(self.acknowledged)
                    session.execute("INSERT INTO app.journal VALUES (%s, 'kept')", [number])
                    self.acknowledged.append(number)
        except psycopg.Error:
            return  # thrown out by the drop


class Scene:
    """A primary that archives into a vault with one snapshot, and replicas as asked for."""

    def __init__(self, stack: LocalStack, delay: int | None = None, *, tables: bool = True) -> None:
        self.stack = stack
        self.vault = Vault(stack.folder / "vault", SystemUser.for_clusters())
        stack.make(vault=str(self.vault.folder), archive_timeout_seconds=5)
        self.begun = datetime.now(UTC) - timedelta(seconds=5)
        self.vault.prepare()
        if tables:
            with stack.root() as root:
                root.execute(_SCHEMA)
            self.make_tables()
        with stack.root("postgres") as root:
            root.execute("CREATE DATABASE other")
        self.write_elsewhere("before")
        self.snapshot: Snapshot = snapshots.take(self.vault, stack.cluster, full=True)
        self.replica: Managed | None = None
        if delay is not None:
            self.replica = stack.replica()
            self.replica.create(**stack.replica_inputs(delay_seconds=delay))

    def make_tables(self) -> None:
        """What the application has."""
        with self.stack.root() as root:
            root.execute(_TABLES)

    @property
    def declared(self) -> Declared:
        inputs = PrimaryInputs.model_validate(self.stack.primary.inputs)
        return Declared(inputs).with_replicas(self.stack.folder)

    @property
    def situation(self) -> Situation:
        return Situation(self.declared)

    def write_elsewhere(self, said: str) -> None:
        """Write into the other database."""
        with self.stack.root("other") as root:
            root.execute("CREATE TABLE IF NOT EXISTS told (said text)")
            root.execute("INSERT INTO told VALUES (%s)", [said])

    def elsewhere(self) -> list[str]:
        with self.stack.root("other") as root:
            return [said for (said,) in root.execute("SELECT said FROM told ORDER BY said")]

    def drop_database(self) -> None:
        with self.stack.root("postgres") as root:
            root.execute("DROP DATABASE app WITH (FORCE)")

    def event(self) -> Event:
        """The latest destructive event, as `strongroom incident` finds it."""
        return find(self.stack.cluster, self.vault, self.begun).events[0]

    def at(self, lsn: str) -> Target:
        """The point an LSN is, as somebody would give it."""
        return Target.parse(lsn)

    def event_at(self, kind: str) -> Target:
        """The latest event of a kind, down to single rows."""
        found = find(self.stack.cluster, self.vault, self.begun, every=True, least=100).events
        return Target(lsn=next(each.stop_lsn for each in found if each.kind is Kind[kind]))

    def target(self) -> Target:
        return Target(lsn=self.event().stop_lsn)

    def plan(self, target: Target | None = None, **wish: Any) -> Plan:
        database = wish.pop("database", "app")
        return make(self.situation, Wish(target or self.target(), database, **wish))

    def recover(self, plan: Plan, progress: Quiet | None = None) -> Outcome:
        return Run.begin(self.situation, plan, progress or Quiet()).go()

    def journal(self) -> list[int]:
        """The rows of the journal, as they are now."""
        with self.stack.root() as root:
            return [number for (number,) in root.execute("SELECT id FROM app.journal ORDER BY id")]

    def sound(self) -> None:
        """See that primary and replica are as declared, without anything being done to them."""
        assert self.stack.primary.refresh() == []
        if self.replica is not None:
            assert self.replica.refresh() == []

    def count(self, query: str, database: str = "app") -> Any:
        with self.stack.root(database) as root:
            row = root.execute(query.encode()).fetchone()
        return row[0] if row else None


SWAP, MIGRATE = Way.SWAP, Way.MIGRATE


def databases(stack: LocalStack) -> set[str]:
    with stack.root("postgres") as root:
        return {name for (name,) in root.execute("SELECT datname FROM pg_database")}


def folder_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()
