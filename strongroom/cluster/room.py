"""Room on a disk: how much there is, and work that is ended before it takes the last of it.

A server that cannot write its WAL stops. So a copy beside it must never fill the disk they share.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from strongroom.errors import StrongroomError

#: What copies leave alone of a disk, for the servers that write to it; bytes.
RESERVE = 128 * 1024 * 1024

# A quick disk takes 100 MB in this time; seconds.
_LOOK_EVERY = 0.05


def free(path: Path) -> int:
    """Bytes that can still be written to the disk that holds a folder."""
    return shutil.disk_usage(path).free


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, some of which may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total


def end_writers(begun: Path) -> None:
    """Kill the programs that were told to write to `begun`, or a path that begins like it.

    They outlive who started them, would go on filling the disk, and hold a replica's slot.
    """
    for process in psutil.process_iter(["cmdline"]):
        if any(part.startswith(str(begun)) for part in process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                process.kill()


@contextmanager
def kept_free(folder: Path, end: Callable[[], None], what: str) -> Iterator[None]:
    """Have work ended that would take the last of a disk.

    Args:
        folder: lies on that disk.
        end: ends the work; called from another thread.
        what: what the work is, for the error.

    Raises:
        StrongroomError: it was ended.
    """
    over = threading.Event()
    ended = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY):
            if free(folder) < RESERVE:
                ended.set()
                end()
                return

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    except Exception:
        if not ended.is_set():
            raise
    finally:
        over.set()
        watch.join()
    if ended.is_set():
        raise StrongroomError(
            f"{what} was ended because the disk of {folder} had less than "
            f"{RESERVE / 1e6:.0f} MB left, which its servers need to go on. What was begun is "
            "removed and nothing is lost. Free space there and run the command again."
        )
