"""Files that only grow: one line after the other, each on disk before anything depends on it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from strongroom.errors import StrongroomError


@dataclass(frozen=True)
class Line:
    """One line as it lies in the file.

    Attributes:
        number: from 1.
        raw: its bytes without the end of line.
        whole: whether it has an end; only the last one may lack it, when writing was cut short.
    """

    number: int
    raw: bytes
    whole: bool


def append(path: Path, line: str) -> None:
    """Add a line, and return when it is on disk.

    A beginning that a killed process or a full disk left is kept on a line of its own.

    Args:
        path: the file, made with mode 0600 where there is none.
        line: text without an end of line.

    Raises:
        StrongroomError: it could not be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(file.fileno()).st_size
            torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if size == 0:
            _sync_folder(path.parent)
    except OSError as error:
        raise StrongroomError(
            f"{path} could not be written ({error.strerror}), and what is done must be on record "
            "first, so nothing was done. Free space, or run this as the user who owns the file."
        ) from error


def lines(path: Path) -> list[Line]:
    """Every line of the file; none where there is no file.

    Raises:
        StrongroomError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StrongroomError(
            f"{path} cannot be read ({error.strerror}), so it is not known what was done. Run this "
            "as the user who owns it."
        ) from error
    *whole, rest = content.split(b"\n")
    found = [Line(number, raw, whole=True) for number, raw in enumerate(whole, start=1)]
    return [*found, Line(len(found) + 1, rest, whole=False)] if rest else found


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
