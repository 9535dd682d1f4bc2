"""What an application was told, on its own disk: the measure of what a recovery has to bring back.

A form is noted before it is sent and again when its commit was acknowledged, and no worker begins
another one before that note is on disk.
"""

import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from strongroom.drill.forms import Form
from strongroom.errors import StrongroomError


class End(StrEnum):
    """How the saving of a form ended, as far as the application knows."""

    ACKNOWLEDGED = "acknowledged"
    #: The connection was lost before the commit was sent: it cannot have been saved.
    CUT_OFF = "cut off"
    #: The connection was lost while the commit was under way: it may have been saved or not.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Entry:
    """One form and what became of it.

    Attributes:
        form: what was sent.
        begun: when (seconds since the epoch).
        end: how it ended; UNKNOWN also where the application itself was ended.
        ended: when; None where it did not live to note that.
    """

    form: Form
    begun: float
    end: End = End.UNKNOWN
    ended: float | None = None


@dataclass(frozen=True)
class Journal:
    """Everything an application noted, by the name of the form."""

    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> "Journal":
        """What is noted in some files.

        Raises:
            StrongroomError: a line other than the last one cannot be read.
        """
        entries: dict[str, Entry] = {}
        for path in paths:
            lines = path.read_text(encoding="utf-8").split("\n")
            for number, line in enumerate(lines, start=1):
                if line and not (_noted(entries, line) or number == len(lines)):
                    raise StrongroomError(
                        f"Line {number} of {path} cannot be read, so it is not known what the "
                        "application was told and the drill proves nothing. Run it again."
                    )
        return cls(entries)

    def ended(self, how: End) -> list[Entry]:
        """The forms that ended in a way, in the order in which they did."""
        found = (each for each in self.entries.values() if each.end is how)
        return sorted(found, key=lambda each: each.ended or each.begun)

    def first_begun_after(self, moment: float) -> Entry | None:
        """The first form that was begun after a moment and acknowledged."""
        later = (each for each in self.ended(End.ACKNOWLEDGED) if each.begun > moment)
        return next(later, None)


class Writer:
    """Writes a journal; several threads may."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._lock = threading.Lock()

    def begin(self, form: Form) -> None:
        """Note what is going to be sent."""
        self._write({"begin": form.dump(), "at": time.time()})

    def end(self, form: Form, how: End) -> None:
        """Note how it ended, and return when that is on disk."""
        self._write({"form": form.id, "end": how.value, "at": time.time()})
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, values: dict[str, Any]) -> None:
        line = json.dumps(values).encode() + b"\n"
        with self._lock:
            if os.write(self._file, line) != len(line):
                raise OSError(f"{self._file} took a part of a line only")


def _noted(entries: dict[str, Entry], line: str) -> bool:
    """Take a line up; False when it cannot be read."""
    try:
        values = json.loads(line)
        if "begin" in values:
            form = Form.load(values["begin"])
            entries[form.id] = Entry(form, values["at"])
        else:
            begun = entries[values["form"]]
            entries[begun.form.id] = Entry(
                begun.form, begun.begun, End(values["end"]), values["at"]
            )
    except (ValueError, KeyError, TypeError):
        return False
    return True
