"""The application of a drill as a process of its own, watched through its journal."""

import json
import sys
import time
from typing import Self

from strongroom.cluster.system_user import SystemUser
from strongroom.drill.journal import End, Journal
from strongroom.drill.stage import Stage
from strongroom.errors import StrongroomError

_WORKERS = 4
# Seconds.
_PATIENCE = 60


class Crowd:
    """People at forms, while the block runs."""

    def __init__(self, stage: Stage, conninfo: str, number: int) -> None:
        self._stage = stage
        folder = stage.scratch.base
        self.journal = folder / f"journal-{number}.jsonl"
        self._told = folder / f"application-{number}.json"
        told = {
            "conninfo": conninfo,
            "journal": str(self.journal),
            "run": f"r{number}",
            "workers": _WORKERS,
        }
        SystemUser.current().write(self._told, json.dumps(told))

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "strongroom.drill.application", str(self._told)]
        self._process = self._stage.start(command, self._stage.scratch.base)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=_PATIENCE)

    def wait_for(self, more: int) -> None:
        """Wait until so many more forms are acknowledged.

        Raises:
            StrongroomError: they were not within a minute, or the application ended.
        """
        goal, deadline = self._acknowledged() + more, time.monotonic() + _PATIENCE
        while self._acknowledged() < goal:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StrongroomError(
                    "The application of the drill does not get on: "
                    f"{self._acknowledged()} forms are saved. The drill ended here."
                )
            time.sleep(0.05)

    def _acknowledged(self) -> int:
        if not self.journal.exists():
            return 0
        return len(Journal.read([self.journal]).ended(End.ACKNOWLEDGED))
