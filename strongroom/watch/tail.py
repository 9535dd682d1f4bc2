"""The server's log, followed from a place that is kept: across days, restarts and torn lines."""

import os
from dataclasses import dataclass
from pathlib import Path

from strongroom.errors import StrongroomError

#: Bytes that are read at once at most.
_MOST = 32 * 1024 * 1024
#: Bytes of a line, at most; only a statement of that length makes one.
_LONGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """Where in the log everything before has been read.

    Attributes:
        file: the file's name; empty before the first one.
        inode: tells it from another one of the same name.
        offset: bytes of it that were read; ends with a line.
    """

    file: str = ""
    inode: int = 0
    offset: int = 0


def now(folder: Path) -> Place:
    """The end of the last whole line of the log in `folder`."""
    path = max(folder.glob("postgresql-*.json"), default=None)
    if path is None:
        return Place()
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        begin = max(0, facts.st_size - _LONGEST)
        file.seek(begin)
        length = file.read(facts.st_size - begin).rfind(b"\n") + 1
    return Place(path.name, facts.st_ino, begin + length)


def read(folder: Path, place: Place, most: int = _MOST) -> tuple[bytes, Place]:
    """Whole lines that follow a place, and the place behind them; none at the end of the log.

    A line that is still being written is left for the next time.

    Raises:
        StrongroomError: a log cannot be read.
    """
    while True:
        path = folder / place.file
        lines, place = _in_file(path, place, most) if place.file else (b"", place)
        following = None if lines else _after(folder, place.file)
        if following is None:
            return lines, place
        place = Place(following)


def back(folder: Path, place: Place, length: int) -> Place:
    """The first line that begins at most `length` bytes before a place in its file."""
    begin = max(0, place.offset - length)
    try:
        with (folder / place.file).open("rb") as file:
            if begin and os.fstat(file.fileno()).st_ino == place.inode:
                file.seek(begin - 1)
                file.readline()
                return Place(place.file, place.inode, file.tell())
    except OSError:
        pass
    return Place(place.file, place.inode, 0) if place.file else place


def _in_file(path: Path, place: Place, most: int) -> tuple[bytes, Place]:
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            same = facts.st_ino == place.inode and place.offset <= facts.st_size
            offset = place.offset if same else 0
            file.seek(offset)
            content = file.read(most)
    except FileNotFoundError:
        return b"", place
    except OSError as error:
        raise StrongroomError(
            f"{path} cannot be read ({error.strerror}), so nobody is told what happens in the "
            "server. Run the agent as the user who made the stack."
        ) from error
    whole = content[: content.rfind(b"\n") + 1]
    # A line longer than all that is read at once is no line of the server's.
    length = len(whole) or (len(content) if len(content) == most else 0)
    return whole, Place(path.name, facts.st_ino, offset + length)


def _after(folder: Path, name: str) -> str | None:
    """The name of the log that follows; they are named after days."""
    later = (path.name for path in folder.glob("postgresql-*.json") if path.name > name)
    return min(later, default=None)
