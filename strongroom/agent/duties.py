"""What an agent is to do, as `up` has written it down for it."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from strongroom.cluster.snapshots import Retention
from strongroom.cluster.system_user import SystemUser
from strongroom.elevations.lent import Lent

_FILE = "agent.json"


@dataclass(frozen=True)
class Duties:
    """The duties of one stack's agent.

    Attributes:
        directory: the primary's folder.
        database: the application's database.
        vault: the vault's folder.
        heartbeat_seconds: seconds between two heartbeats (1 to 60).
        every_hours: hours between two snapshots.
        full_every_days: days after which the next one is full.
        keep_days: days every snapshot is kept.
        lock_days: days before which none is removed.
        rotate_after_days: days after which root's password is rotated.
        elevations: what is lent until a time, and has to be ended then.
        alert_delete_rows: deleted rows in one transaction that are an alert (1 or more).
        drill_every_days: days between two restore drills (0 to 365); 0 for none.
        checks: the folder of the team's own checks, which drills run; empty for none.
    """

    directory: Path
    database: str
    vault: Path
    heartbeat_seconds: int
    every_hours: int
    full_every_days: int
    keep_days: int
    lock_days: int
    rotate_after_days: int
    elevations: tuple[Lent, ...] = ()
    alert_delete_rows: int = 1000
    drill_every_days: int = 7
    checks: str = ""

    @property
    def stack(self) -> Path:
        """The stack's folder."""
        return self.directory.parent

    @property
    def retention(self) -> Retention:
        """How long snapshots are kept."""
        return Retention(timedelta(days=self.keep_days), timedelta(days=self.lock_days))

    def save(self) -> None:
        """Write them down; a running agent notices within seconds."""
        values = {**asdict(self), "directory": str(self.directory), "vault": str(self.vault)}
        values["elevations"] = [lent.dump() for lent in self.elevations]
        SystemUser.current().write(file_of(self.stack), json.dumps(values, indent=2))

    @classmethod
    def load(cls, stack: Path) -> "Duties | None":
        """Those of a stack; None when nothing, or nothing legible, is written down."""
        try:
            values = json.loads(file_of(stack).read_text())
            folders = {"directory": Path(values["directory"]), "vault": Path(values["vault"])}
            lent = tuple(Lent.read(each) for each in values.get("elevations", ()))
            return cls(**{**values, **folders, "elevations": lent})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def file_of(stack: Path) -> Path:
    """Where the duties of a stack's agent are written down."""
    return stack / _FILE
