"""What a server wrote into its logs: JSON, one object a line, and plain text while it starts."""

import json
from pathlib import Path


class ServerLog:
    """The logs in one folder, from the moment this is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = {path: path.stat().st_size for path in folder.iterdir()}

    def reason(self) -> str:
        """Why the server ended: its last words of weight, or its last words; empty if none."""
        lines = [line for path in sorted(self._folder.iterdir()) for line in self._new(path)]
        fatal = [line for line in lines if line.startswith(("FATAL", "PANIC")) or "FATAL:" in line]
        return " / ".join((fatal or lines)[-4:])

    def _new(self, path: Path) -> list[str]:
        new = path.read_bytes()[self._read.get(path, 0) :].decode(errors="replace")
        return [_told(line) for line in new.splitlines()]


def _told(line: str) -> str:
    try:
        entry = json.loads(line)
        words = [entry.get(part) for part in ("message", "detail", "hint")]
        return f"{entry['error_severity']}: {' '.join(word for word in words if word)}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return line.strip()
