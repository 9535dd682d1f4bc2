"""Who dropped the database, when it is gone: with and without server, log and WAL."""

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import system_identifier
from strongroom.cluster.port import free_port
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.incident.events import Event, Findings, Kind
from strongroom.incident.find import find
from tests.conftest import end_server
from tests.live.cli_project import ProjectStack
from tests.live.local_stack import SMALL, apply_model

pytestmark = pytest.mark.live

SINCE = timedelta(hours=1)
STATEMENT = "DROP DATABASE app WITH (FORCE)"


class Lost(ProjectStack):
    """A stack whose database root dropped while the application was writing.

    Attributes:
        committed: how many rows the application had written for good.
        snapshot: taken before.
    """

    committed = 0
    snapshot: Snapshot

    @property
    def vault(self) -> Vault:
        return Vault(self.folder / "vault", self.cluster.user)

    @property
    def log(self) -> Path:
        return next((self.folder / "primary" / "log").glob("postgresql-*.json"))

    @property
    def archive(self) -> Path:
        return self.vault.wal(system_identifier(self.cluster))

    def searched(self, *, every: bool = False) -> Findings:
        return find(self.cluster, self.vault, datetime.now(UTC) - SINCE, every=every)

    def event(self) -> Event:
        (event,) = self.searched().events
        return event

    def lose(self) -> None:
        """Take a snapshot, let the application write, and drop what it writes to."""
        self.vault.prepare()
        self.snapshot = snapshots.take(self.vault, self.cluster, full=True)
        with self.root() as root:
            root.execute("CREATE TABLE app.counted (n int)")
            root.execute("GRANT INSERT ON app.counted TO web")
        writer = threading.Thread(target=self._write)
        writer.start()
        while self.committed < 50:
            time.sleep(0.01)
        with self.root("postgres") as root:
            root.execute(STATEMENT.encode())
        writer.join()

    def recycle(self, name: str) -> None:
        """Have the server take a segment for something else, after it was archived."""
        segment = self.cluster.data / "pg_wal" / name
        self.cluster.user.folder(self.archive)
        with self.root("postgres") as root:
            deadline = time.monotonic() + 60
            while segment.exists():
                assert time.monotonic() < deadline
                root.execute("SELECT pg_switch_wal()")
                shutil.copy2(segment, self.archive)
                self.cluster.user.own(self.archive / name)
                root.execute("CHECKPOINT")

    def _write(self) -> None:
        web = self.sign_in("web", application_name="shop")
        try:
            for n in range(1, 1_000_000):
                web.execute("INSERT INTO app.counted VALUES (%s)", [n])
                self.committed = n
        except psycopg.Error:
            web.close()


@pytest.fixture(scope="module")
def lost(strongroom_home: Path) -> Iterator[Lost]:
    made = Lost(strongroom_home)
    made.make()
    apply_model(made)
    made.lose()
    yield made
    end_server(made.folder / "primary")
    shutil.rmtree(made.folder.parent, ignore_errors=True)
    shutil.rmtree(made.checkout, ignore_errors=True)


def _dumped(lost: Lost, *options: str) -> list[str]:
    cluster = lost.cluster
    tool, wal = cluster.package.tool("pg_waldump"), cluster.data / "pg_wal"
    return cluster.user.run(tool, "-p", wal, *options, check=False).stdout.splitlines()


def test_who_dropped_it_is_named_within_five_seconds(lost: Lost) -> None:
    begun = time.monotonic()
    event = lost.event()
    assert time.monotonic() - begun < 5
    assert (event.kind, event.what, event.database) == (Kind.DATABASE, ("app",), "app")
    assert event.culprit is not None
    assert (event.culprit.session.role, event.culprit.session.address) == ("root", "[local]")
    assert event.culprit.statement == STATEMENT
    assert event.unknown == ()
    assert lost.log.name in event.sources


def test_the_session_that_was_writing_is_listed_as_cut_off(lost: Lost) -> None:
    (cut,) = lost.event().cut_off
    assert (cut.session.role, cut.session.application) == ("web", "shop")


def test_recovery_stops_before_the_mark_that_makes_the_database_invalid(lost: Lost) -> None:
    event = lost.event()
    assert event.stop_lsn is not None
    first, *rest = _dumped(lost, "-s", event.stop_lsn, "-n", "60")
    mark = re.search(r"desc: INPLACE off: (\d+), blkref #0: rel 1664/0/1262 blk 0", first)
    assert mark
    here = [line for line in rest if f"tx: {event.transaction:10}," in line]
    assert f"DELETE xmax: {event.transaction}, off: {mark[1]}," in here[0]
    assert "desc: DROP dir" in here[-2]
    assert "desc: COMMIT" in here[-1]
    number = int(str(event.commit_lsn).split("/")[1], 16)
    assert f"lsn: 0/{number:08X}," in here[-1]


def test_recovered_up_to_there_every_committed_row_is_back(lost: Lost) -> None:
    source = lost.cluster
    directory = lost.folder / "copy"
    copy = Cluster(directory, free_port(b"incident"), source.package, source.user)
    copy.prepare_folders()
    snapshots.restore(lost.vault, source, lost.snapshot, copy.data)
    for name in ("server.crt", "server.key", "ca.crt"):
        content = (source.directory / "tls" / name).read_bytes()
        copy.user.write(copy.directory / "tls" / name, content)
    copy.configure(SMALL)
    target = {
        "recovery_target_lsn": lost.event().stop_lsn,
        "recovery_target_inclusive": "off",
        "recovery_target_action": "promote",
        "restore_command": f'cp "{source.data}/pg_wal/%f" "%p"',
    }
    lines = "".join(f"{name} = '{value}'\n" for name, value in target.items())
    copy.user.write(copy.data / "postgresql.auto.conf", lines)
    copy.user.write(copy.data / "recovery.signal", "")
    copy.remember()
    try:
        copy.start()
        with LocalRoot(copy, source).connect("app") as root:
            row = root.execute("SELECT count(*) FROM app.counted").fetchone()
    finally:
        end_server(directory)
    # The last one may have been committed without the application hearing of it.
    assert row in ((lost.committed,), (lost.committed + 1,))


def test_the_command_prints_it_and_gives_programs_json(lost: Lost) -> None:
    done = lost.strongroom("incident")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("database dropped: app\n")
    for words in ("who          root", STATEMENT, f"just before {lost.event().stop_lsn}"):
        assert words in done.stdout
    assert "Next:" not in done.stdout
    told = json.loads(lost.strongroom("incident", "--json", "--since", "1h").stdout)
    (event,) = told["events"]
    assert event["kind"] == "database dropped"
    assert event["stop_lsn"] == lost.event().stop_lsn
    assert event["culprit"]["session"]["role"] == "root"
    assert event["cut_off"][0]["session"]["application"] == "shop"


def test_on_a_terminal_the_command_says_what_comes_next(lost: Lost) -> None:
    with lost.terminal("incident") as terminal:
        terminal.wait_for("Next: strongroom recover -s local")
        assert terminal.wait() == 0


def test_when_nothing_is_found_the_command_says_so_and_exits_with_4(lost: Lost) -> None:
    done = lost.strongroom("incident", "--since", "2099-01-01")
    assert (done.returncode, done.stdout) == (4, "")
    assert "Nothing destructive is found since 2099-01-01" in done.stderr


def test_a_since_that_is_no_time_is_refused(lost: Lost) -> None:
    done = lost.strongroom("incident", "--since", "yesterday")
    assert done.returncode == 2
    assert "30m, 12h, 7d" in done.stderr


def test_a_stopped_server_changes_nothing(lost: Lost) -> None:
    running = lost.event()
    with _stopped(lost):
        assert lost.event() == running


def test_without_the_log_the_wal_tells_all_but_who(lost: Lost) -> None:
    with _stopped(lost), _away(lost.folder / "primary" / "log"):
        (event,) = lost.searched().events
        told = lost.strongroom("incident")
    assert (event.kind, event.culprit, event.suspects) == (Kind.DATABASE, None, ())
    assert event.what[0].startswith("database number ")
    assert event.unknown[0] == (
        f"Who did it is not known: the log of {event.time:%Y-%m-%d} is missing."
    )
    assert event.stop_lsn == lost.event().stop_lsn
    assert told.returncode == 0
    assert "who          not known" in told.stdout


def test_a_log_that_begins_later_names_nobody(lost: Lost) -> None:
    whole = lost.log.read_text()
    with _stopped(lost):
        lost.log.write_text(whole.splitlines(keepends=True)[-1])
        event = lost.event()
        lost.log.write_text(whole)
    assert event.culprit is None
    assert "begins only at" in event.unknown[0]


def test_when_the_wal_was_recycled_the_archive_tells_the_same(lost: Lost) -> None:
    before = lost.event()
    lost.recycle(before.sources[-1])
    begun = time.monotonic()
    assert lost.event() == before
    # pg_waldump waits that long for the segment behind a gap, if it is asked for it.
    assert time.monotonic() - begun < 5
    # And when the data is gone as a whole.
    with _stopped(lost), _away(lost.cluster.data):
        assert lost.event() == before


def test_when_the_wal_was_recycled_and_not_archived_the_log_tells_all_but_the_lsn(
    lost: Lost,
) -> None:
    lost.recycle(lost.event().sources[-1])
    shutil.rmtree(lost.archive)
    event = lost.event()
    assert (event.kind, event.what) == (Kind.DATABASE, ("app",))
    assert (event.stop_lsn, event.commit_lsn, event.transaction) == (None, None, None)
    assert event.culprit is not None
    assert event.culprit.statement == STATEMENT
    assert [cut.session.role for cut in event.cut_off] == ["web"]
    assert "are neither in pg_wal nor in the archive" in event.unknown[0]
    assert "committed" in event.unknown[1]


@contextmanager
def _stopped(lost: Lost) -> Iterator[None]:
    lost.cluster.stop()
    try:
        yield
    finally:
        lost.cluster.start()


@contextmanager
def _away(folder: Path) -> Iterator[None]:
    aside = folder.with_name("aside")
    folder.rename(aside)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
