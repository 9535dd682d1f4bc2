"""A restore drill: the newest snapshot and the archive alone, put together and looked at.

It is done beside the stack and touches nothing of it: the copy listens on no port, can be reached
by root of this machine only, and is removed in the end. `python -m strongroom.drill.restoring` with
a stack's folder does it at the lowest priority, as the agent has it done.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg

from strongroom import alerts
from strongroom.agent.duties import Duties
from strongroom.alerts import Alert
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.lock import locked
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import forget_libpq_settings, passable
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.drill import kept, looking
from strongroom.drill.kept import Kept, Kind
from strongroom.errors import StrongroomError
from strongroom.recovery import copying, journal
from strongroom.recovery.recovered import Recovered

Note = Callable[[str], None]

# Bytes that must be free beside the copy: WAL that is replayed, and some air.
_AIR = 512 * 1024 * 1024


class SkippedError(StrongroomError):
    """It is not the time for a drill; nothing was done and nothing is wrong."""


@dataclass(frozen=True)
class Subject:
    """What is drilled.

    Attributes:
        primary: the stack's primary; only its folder is looked at, it may be stopped.
        vault: holds the snapshots and the archive.
        database: the application's.
        checks: the team's own checks.
    """

    primary: Cluster
    vault: Vault
    database: str
    checks: tuple[Path, ...] = ()

    @property
    def stack(self) -> StackFolder:
        """The stack's folder."""
        return StackFolder.of(self.primary.directory)

    @classmethod
    def of(cls, duties: Duties) -> "Subject":
        """What an agent is to drill."""
        primary = Cluster.at(duties.directory)
        # With no folder named there are none, not those of wherever this runs.
        files = sorted(Path(duties.checks).glob("*.sql")) if duties.checks else ()
        return cls(primary, Vault(duties.vault, primary.user), duties.database, tuple(files))


@dataclass(frozen=True)
class Restored:
    """What a drill that came to its end saw.

    Attributes:
        snapshot: the name of what was restored.
        bytes: of it and all it builds on.
        copied: seconds until it was checked and put together.
        replayed: seconds until the WAL was replayed and it served.
        looked: seconds until everything was read and checked.
        reached: the LSN it came to.
        newest: when the newest transaction in it was committed (UTC, ISO 8601); None without any.
        tables: how many the application's database has.
        rows: how many rows these have.
    """

    snapshot: str
    bytes: int
    copied: float
    replayed: float
    looked: float
    reached: str
    newest: str | None
    tables: int
    rows: int

    def told(self) -> str:
        """In a sentence."""
        seconds = self.copied + self.replayed
        return (
            f"snapshot {self.snapshot} and the WAL up to {self.reached} restored in {seconds:.1f} "
            f"s: {self.rows:,} rows in {self.tables} tables, all checks clean"
        )


def drill(subject: Subject, note: Note) -> Kept:
    """Restore, look, remove; what came of it is kept, and an alert if it did not pass.

    Raises:
        SkippedError: a recovery or another drill is under way.
        StrongroomError: the result could not be kept.
    """
    begun = time.monotonic()
    with _alone(subject.stack):
        try:
            restored = _restored(subject, note)
            passed, told, facts = True, restored.told(), asdict(restored)
        except (StrongroomError, psycopg.Error, OSError) as error:
            passed, told, facts = False, " ".join(str(error).split()), {}
        seconds = round(time.monotonic() - begun, 1)
        result = Kept(datetime.now(UTC), Kind.RESTORE, passed, seconds, told, facts)
        kept.keep(subject.stack.path, result)
    if not passed:
        _alarm(subject, result)
    return result


@contextmanager
def _alone(stack: StackFolder) -> Iterator[None]:
    if journal.path_of(stack).exists():
        raise SkippedError("A recovery is under way, so no restore drill was begun.")
    lock = locked(stack.path / "restore-drill.lock", stack.path / "restore-drill", 0)
    try:
        lock.__enter__()
    except StrongroomError as error:
        raise SkippedError("Another restore drill is under way, so none was begun.") from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _restored(subject: Subject, note: Note) -> Restored:
    place = subject.stack.path / "restore-drill"
    passable(place)
    copy = Recovered(
        place / "copy",
        subject.primary.port,
        subject.primary.package,
        subject.primary.user,
    )
    _clear(copy)  # what a killed drill left
    snapshot = _newest(subject)
    size = sum(each.size for each in subject.vault.chain(snapshot))
    _refuse_full_disk(place, size)
    try:
        begun = time.monotonic()
        copy.prepare(subject.stack.authority, subject.primary)
        copying.from_snapshot(copy, subject.vault, snapshot.name, note)
        copied = time.monotonic()
        note("replaying the archive")
        copy.recover(
            {
                "restore_command": subject.vault.restore_command(snapshot.system),
                "recovery_target_timeline": "latest",
                "recovery_target_action": "promote",
            },
            note,
        )
        replayed = time.monotonic()
        reached = looking.reached(copy, snapshot)
        looking.refuse_gap(subject.vault, snapshot, reached)
        note("looking at everything")
        newest, tables, rows = looking.read(copy, subject.database)
        looking.refuse_findings(copy, subject.database, subject.checks)
        looked = time.monotonic()
    finally:
        _clear(copy)
    return Restored(
        snapshot=snapshot.name,
        bytes=size,
        copied=round(copied - begun, 2),
        replayed=round(replayed - copied, 2),
        looked=round(looked - replayed, 2),
        reached=reached,
        newest=newest,
        tables=tables,
        rows=rows,
    )


def _clear(copy: Recovered) -> None:
    with suppress(StrongroomError):
        copy.stop()
    if copy.directory.exists():
        copy.fresh("data")  # ends what still copies
        shutil.rmtree(copy.directory)


def _newest(subject: Subject) -> Snapshot:
    good = subject.vault.good()
    if (subject.primary.data / "global" / "pg_control").exists():
        system = control(subject.primary)["Database system identifier"]
        good = [each for each in good if each.system == system]
    if not good:
        raise StrongroomError(
            f"There is no sound snapshot in {subject.vault.folder}, so nothing can be restored. "
            "`strongroom snapshot take --full` takes one."
        )
    return good[-1]


def _refuse_full_disk(place: Path, size: int) -> None:
    free = shutil.disk_usage(place).free
    if free < size + _AIR:
        raise StrongroomError(
            f"The newest snapshot takes {size / 1e9:.1f} GB and some air, and {free / 1e9:.1f} GB "
            f"are free in {place}, so it was not restored: a recovery would fail for "
            "the same reason. Free space there."
        )


def _alarm(subject: Subject, result: Kept) -> None:
    name = subject.stack.path.name
    alerts.raise_alert(
        subject.stack.path,
        Alert(
            at=result.at,
            kind="drill.failed",
            title=f"Restore drill of {name} did not pass",
            text=f"{result.told} Until the next one passes, do not count on the vault.",
            facts={"seconds": str(result.seconds)},
        ),
    )


def main(arguments: Sequence[str]) -> int:
    """Drill the stack in a folder, as its agent is told to, after everything else has had its turn.

    Returns:
        0 when it passed, 1 when it did not, 3 when it was not the time.
    """
    forget_libpq_settings()
    os.nice(19)
    with suppress(psutil.Error, AttributeError, OSError):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    duties = Duties.load(Path(arguments[0]))
    if duties is None:
        return 3
    try:
        result = drill(Subject.of(duties), lambda _: None)
    except SkippedError:
        return 3
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
