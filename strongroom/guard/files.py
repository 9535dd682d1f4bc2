"""Files opened safely: never a pipe or a device, never all of a large one, each one once."""

import codecs
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

#: Bytes; a larger file is searched as a stream and parsed by nobody.
LARGEST_PARSED = 1024 * 1024
#: Bytes at its beginning that tell whether a file is binary.
_HEAD = 8192
_PIECE, _OVERLAP = 65_536, 1024
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class UnreadableError(Exception):
    """A file that cannot be read, and why in a few words.

    Attributes:
        gone: whether nobody could read it: a link to nothing, or one that leads to itself.
    """

    def __init__(self, why: str, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


@dataclass(frozen=True)
class FileIdentity:
    """Which file it really is, whatever leads to it."""

    device: int
    inode: int


def identity(path: Path) -> FileIdentity | None:
    """Which regular file `path` is or points to; None for folders.

    Raises:
        UnreadableError: it points to nothing or in a circle, or is a pipe, socket or device.
    """
    try:
        found = path.stat()
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ELOOP)
        raise UnreadableError(error.strerror or "cannot be found", gone) from None
    except ValueError:  # a name that no file can have
        raise UnreadableError("cannot be found", gone=True) from None
    if stat.S_ISDIR(found.st_mode):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError("is a pipe, a socket or a device")
    return FileIdentity(found.st_dev, found.st_ino)


def opened(path: Path) -> BinaryIO:
    """Open a regular file without waiting.

    Raises:
        UnreadableError: it is none, or may not be read.
    """
    try:
        # Should it have become a pipe since it was looked at, opening must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableError(error.strerror or "cannot be opened") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("is a pipe, a socket or a device")
    return os.fdopen(descriptor, "rb")


@dataclass
class Content:
    """What a file holds.

    Attributes:
        text: all of it, decoded; None when it is large or binary.
        binary: whether it is no text.
        stream: all of it as bytes, from the beginning.
    """

    text: str | None
    binary: bool
    stream: BinaryIO


def content(stream: BinaryIO) -> Content:
    """Tell what a file holds, reading no more than `LARGEST_PARSED`."""
    data = stream.read(LARGEST_PARSED + 1)
    if data[:2] in _MARKS and len(data) <= LARGEST_PARSED:
        text = data.decode("utf-16", errors="replace")
        return Content(text, binary=False, stream=BytesIO(text.encode()))
    if b"\0" in data[:_HEAD]:
        stream.seek(0)
        return Content(None, binary=True, stream=stream)
    if len(data) > LARGEST_PARSED:
        stream.seek(0)
        return Content(None, binary=False, stream=stream)
    return Content(data.decode("utf-8-sig", errors="replace"), binary=False, stream=BytesIO(data))


def pieces(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers; a very long one in pieces that overlap."""
    number, before = 1, b""
    while piece := stream.readline(_PIECE):
        yield number, (before + piece).decode("utf-8", errors="replace").removeprefix("\ufeff")
        ended = piece.endswith(b"\n")
        before = b"" if ended else (before + piece)[-_OVERLAP:]
        number += ended


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """A binary file in pieces that overlap."""
    before = b""
    while block := stream.read(_PIECE * 16):
        yield before + block
        before = block[-_OVERLAP:]
