"""Who is still there: files that are locked for as long as a process lives.

The kernel lets go of a lock when its process ends, however it ends, and at a reboot.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from strongroom.breakglass.glass import Glass
from strongroom.cluster.stack import StackFolder


@dataclass(frozen=True)
class Holds:
    """The files of one break-glass, in a folder that its system user alone can enter."""

    folder: Path

    @classmethod
    def of(cls, stack: StackFolder, glass: Glass) -> "Holds":
        """Those of a break-glass of a stack."""
        return cls(stack.path / "break-glass" / glass.id)

    @property
    def person(self) -> Path:
        """Held by the command line while the person is at work."""
        return self.folder / "person"

    @property
    def closer(self) -> Path:
        """Held by the process that will end it."""
        return self.folder / "closer"

    @property
    def log(self) -> Path:
        """What went wrong while ending it."""
        return self.folder / "closing.log"

    def in_hand(self, glass: Glass) -> bool:
        """Whether somebody lives who is going to end it."""
        return held(self.closer) or (held(self.person) and datetime.now(UTC) < glass.until)


def held(path: Path) -> bool:
    """Whether a living process holds the file."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold the file; waits for another one who does."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
