"""One process of Strongroom at a time."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from strongroom.cluster.system_user import making
from strongroom.errors import StrongroomError


@contextmanager
def locked(path: Path, what: Path, patience: float, *, shared: bool = False) -> Iterator[None]:
    """Keep other work of Strongroom away from something meanwhile.

    Args:
        path: the lock's file, whose folder exists.
        what: what is worked on, for the error.
        patience: seconds to wait for another one to finish.
        shared: keep only those away that do not share it.

    Raises:
        StrongroomError: another one did not finish in time.
    """
    with making(path):
        lock = path.open("w")
    with lock:
        deadline = time.monotonic() + patience
        while not _taken(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StrongroomError(
                    f"Another process of Strongroom has been working on {what} for "
                    f"{patience:.0f} s, so this one stays away and changes nothing. Wait for "
                    "it to end and run the command again."
                )
            time.sleep(0.1)
        yield


def _taken(lock: IO[str], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
