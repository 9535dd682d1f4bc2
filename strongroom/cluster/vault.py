"""The vault: where snapshots and the WAL archive of a stack lie, outside every cluster."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from strongroom.cluster.lock import locked
from strongroom.cluster.system_user import SystemUser, passable
from strongroom.errors import StrongroomError

#: PostgreSQL's default, which initdb is not told otherwise; bytes.
SEGMENT = 16 * 1024 * 1024


@dataclass(frozen=True)
class Snapshot:
    """One base backup, as the catalog tells it.

    Attributes:
        name: when it was begun, UTC, as ``20261123T194500.123Z``; sorts by age.
        parent: for an incremental one, the snapshot it builds on; None for a full one.
        system: the cluster's system identifier.
        timeline: the timeline it was taken on.
        start_lsn: where replay has to begin.
        end_lsn: from where on it is consistent.
        finished: when it was complete.
        size: bytes on disk.
        digest: SHA-256 of its manifest, which holds those of all files.
        verified: when its files last matched the manifest.
        problem: what the last check found wrong; None when it is good.
        server: the PostgreSQL it was taken from.
    """

    name: str
    parent: str | None
    system: str
    timeline: int
    start_lsn: str
    end_lsn: str
    finished: datetime
    size: int
    digest: str
    verified: datetime
    problem: str | None
    server: str

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        times = {each: getattr(self, each).isoformat() for each in ("finished", "verified")}
        return {**asdict(self), **times}

    @classmethod
    def load(cls, values: Mapping[str, Any]) -> "Snapshot":
        """From what `dump` gave."""
        times = {each: datetime.fromisoformat(values[each]) for each in ("finished", "verified")}
        return cls(**{**values, **times})


@dataclass(frozen=True)
class Vault:
    """The folder of one stack's snapshots and archive.

    Attributes:
        folder: the vault itself.
        user: the system user whose servers write there.
    """

    folder: Path
    user: SystemUser

    def wal(self, system: str) -> Path:
        """The archive of one cluster and its copies: a file for each segment.

        Args:
            system: the cluster's system identifier. A cluster made anew begins to count its
                segments from the start, and must not meet those of the one before.
        """
        return self.folder / "wal" / system

    @property
    def snapshots(self) -> Path:
        """One folder for each snapshot."""
        return self.folder / "snapshots"

    def prepare(self) -> None:
        """Make the folders where they are missing."""
        passable(self.folder.parent)
        for folder in (self.folder, self.folder / "wal", self.snapshots):
            self.user.folder(folder)

    def archiving(self, system: str, timeout_seconds: int) -> dict[str, str]:
        """Settings by which a primary archives its WAL here.

        basic_archive copies to a temporary file, makes it durable and renames it, and takes an
        identical file that is there already for done (PostgreSQL documentation, F.4).

        Args:
            system: the primary's system identifier.
            timeout_seconds: the longest a commit waits to be archived, 1 to 3,600 s.
        """
        return {
            "archive_mode": "on",
            "archive_library": "basic_archive",
            "basic_archive.archive_directory": str(self.wal(system)),
            "archive_timeout": f"{timeout_seconds}s",
        }

    def restore_command(self, system: str) -> str:
        """How a recovering server fetches a segment from here."""
        return f'cp "{self.wal(system)}/%f" "%p"'

    def locked(self, patience: float = 600) -> AbstractContextManager[None]:
        """Keep other work on snapshots away meanwhile; `patience` in seconds."""
        return locked(self.folder / "lock", self.folder, patience)

    def reading(self) -> AbstractContextManager[None]:
        """Keep what is there from being ended meanwhile; others may read and take, too."""
        return locked(self.folder / "reading.lock", self.folder, 60, shared=True)

    def ending(self, patience: float) -> AbstractContextManager[None]:
        """Wait until nobody reads, and keep readers away; `patience` in seconds."""
        return locked(self.folder / "reading.lock", self.folder, patience)

    def catalog(self) -> list[Snapshot]:
        """Every finished snapshot, oldest first."""
        found = [self._entry(path) for path in sorted(self.snapshots.glob("[0-9]*/snapshot.json"))]
        return [snapshot for snapshot in found if snapshot is not None]

    def good(self) -> list[Snapshot]:
        """Those that were sound when they were last checked, oldest first."""
        return [each for each in self.catalog() if each.problem is None]

    def find(self, name: str) -> Snapshot:
        """One snapshot by its name.

        Raises:
            StrongroomError: there is none of that name.
        """
        for snapshot in self.catalog():
            if snapshot.name == name:
                return snapshot
        known = ", ".join(each.name for each in self.catalog()[-5:]) or "none yet"
        raise StrongroomError(
            f"No snapshot is called {name!r} in {self.folder}; the newest are: {known}. "
            "`strongroom snapshot list` shows them all."
        )

    def data(self, snapshot: Snapshot) -> Path:
        """Where a snapshot's files lie."""
        return self.snapshots / snapshot.name / "data"

    def remember(self, snapshot: Snapshot, folder: Path | None = None) -> None:
        """Write a snapshot's entry of the catalog, which lies beside its files (in `folder`)."""
        path = (folder or self.snapshots / snapshot.name) / "snapshot.json"
        self.user.write(path, json.dumps(snapshot.dump(), indent=2))

    def chain(self, snapshot: Snapshot) -> list[Snapshot]:
        """The full snapshot it goes back to, what was built on that, and itself last.

        Raises:
            StrongroomError: one of them is gone.
        """
        known = {each.name: each for each in self.catalog()}
        links = [snapshot]
        while links[0].parent is not None:
            parent = known.get(links[0].parent)
            if parent is None:
                raise StrongroomError(
                    f"Snapshot {snapshot.name} builds on {links[0].parent}, which is not in "
                    f"{self.folder} any more, so it cannot be restored. Take an older one."
                )
            links.insert(0, parent)
        return links

    def _entry(self, path: Path) -> Snapshot | None:
        try:
            return Snapshot.load(json.loads(path.read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            # An unreadable entry is as good as no snapshot; `verify` tells of the folder.
            return None


def position(lsn: str) -> int:
    """An LSN as the number of bytes it stands for."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment(timeline: int, lsn: str) -> str:
    """The name of the WAL file that holds an LSN."""
    number = position(lsn) // SEGMENT
    each = 0x100000000 // SEGMENT
    return f"{timeline:08X}{number // each:08X}{number % each:08X}"


def first_lsn(name: str) -> str:
    """The LSN at which the WAL file of that name begins."""
    each = 0x100000000 // SEGMENT
    at = (int(name[8:16], 16) * each + int(name[16:], 16)) * SEGMENT
    return f"{at >> 32:X}/{at & 0xFFFFFFFF:X}"


def missing(archive: Path, timeline: int, start: str, end: str) -> list[str]:
    """Segments that an archive does not hold between two LSNs, both included."""
    first, last = position(start) // SEGMENT, position(end) // SEGMENT
    each = 0x100000000 // SEGMENT
    names = (f"{timeline:08X}{n // each:08X}{n % each:08X}" for n in range(first, last + 1))
    return [name for name in names if not (archive / name).exists()]
