"""Locks on the stack: who holds one, and which were left by an engine that was killed."""

import json
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from strongroom.engine import STACK
from strongroom.engine.environment import backend
from strongroom.errors import StrongroomError
from strongroom.home import Home

# Seconds by which a process may seem younger than the lock it wrote: the time it started is
# counted in ticks from a boot time that is known to the second only.
CLOCK_SLACK = 2.0
# Seconds after which the draft of a lock has been left behind.
DRAFT_LIFETIME = 5.0


@dataclass(frozen=True)
class Lock:
    """One lock on the stack, as the engine that holds it wrote it."""

    path: Path
    pid: int
    user: str
    host: str
    since: datetime

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """Read a lock file of the file backend."""
        content = json.loads(path.read_text())
        return cls(
            path=path,
            pid=int(content["pid"]),
            user=content["username"],
            host=content["hostname"],
            since=datetime.fromisoformat(content["timestamp"]),
        )

    def __str__(self) -> str:
        """Who holds it and since when."""
        since = self.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"process {self.pid} of {self.user} on {self.host}, since {since}"

    def is_stale(self) -> bool:
        """Whether the engine that wrote it is certainly gone.

        Another host's processes cannot be seen from here, so its locks never are. A process that
        started after the lock was written only has the same number.
        """
        if self.host != socket.gethostname():
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            return process.create_time() > self.since.timestamp() + CLOCK_SLACK
        except psutil.NoSuchProcess:
            return True


def locks(home: Home, project: str) -> list[Lock]:
    """The locks on the local stack, in no order.

    Args:
        home: whose state.
        project: the project's name in Pulumi.yaml.
    """
    found = []
    for path in _folder(home, project).glob("*.json"):
        # One that ends between the listing and the reading holds nothing any more, and one that
        # a loss of power left empty never will.
        with suppress(FileNotFoundError, ValueError):
            found.append(Lock.read(path))
    return found


def clear_stale(home: Home, project: str) -> list[Lock]:
    """Remove the locks of engines that were killed, and those only.

    Returns:
        What was removed.
    """
    _clear_debris(home, project)
    stale = [lock for lock in locks(home, project) if lock.is_stale()]
    for lock in stale:
        lock.path.unlink(missing_ok=True)
    return stale


def _folder(home: Home, project: str) -> Path:
    return backend(home) / ".pulumi" / "locks" / "organization" / project / STACK


def _clear_debris(home: Home, project: str) -> None:
    """Remove what is not a lock: drafts of one, and empty files after a loss of power.

    The engine takes any file here for a lock, cannot read it and gives up. It writes a draft and
    renames it within milliseconds, so an older one belongs to nobody.
    """
    for path in _folder(home, project).glob("*"):
        with suppress(FileNotFoundError):
            settled = time.time() - path.stat().st_mtime > DRAFT_LIFETIME
            if settled and (path.suffix != ".json" or path.stat().st_size == 0):
                path.unlink()


def refuse_if_locked(home: Home, project: str) -> None:
    """Stop before a second engine works on the stack.

    Raises:
        StrongroomError: an engine that is alive, or cannot be judged from here, holds the stack.
    """
    held = locks(home, project)
    if held:
        holders = "; ".join(map(str, held))
        raise StrongroomError(
            f"The stack {STACK} is locked by {holders}. Two engines at once would overwrite each "
            "other's state, so nothing was changed. Wait until that one is done. If you know it "
            f'is gone, run: eval "$(make -s env)" && pulumi cancel --stack {STACK} --yes'
        )
