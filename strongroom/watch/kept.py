"""What the watch keeps on disk: how far it has read, and what it has counted."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from strongroom.cluster.system_user import SystemUser
from strongroom.watch.tail import Place


@dataclass(frozen=True)
class Kept:
    """How far the watch has come; everything before has been told.

    Attributes:
        since: when it began; what happened before is nobody's news (UTC).
        log: up to where in the server's log.
        timeline: of the WAL.
        lsn: up to where in the WAL, in bytes.
        bursts: what repeats itself, see `Bursts`.
    """

    since: datetime
    log: Place
    timeline: int
    lsn: int
    bursts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def save(self, stack: Path) -> None:
        """Write it down, at once or not at all."""
        values = {**asdict(self), "since": self.since.isoformat()}
        SystemUser.current().write(file_of(stack), json.dumps(values))

    @classmethod
    def load(cls, stack: Path) -> "Kept | None":
        """What was written down last; None when nothing legible was."""
        try:
            values = json.loads(file_of(stack).read_text())
            since, log = datetime.fromisoformat(values["since"]), Place(**values["log"])
            return cls(**{**values, "since": since, "log": log})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def file_of(stack: Path) -> Path:
    """Where it is kept."""
    return stack / "watch.json"
