"""The agent's process: one for each stack, told by a file it holds for as long as it lives."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from strongroom.breakglass.hold import held
from strongroom.cluster.system_user import SystemUser, clean_environment
from strongroom.errors import StrongroomError

#: Seconds an agent is given to start, or to end.
_PATIENCE = 20


@dataclass(frozen=True)
class Agent:
    """The agent of the stack in one folder."""

    stack: Path

    @property
    def hold(self) -> Path:
        """Held by the living agent; holds its process id."""
        return self.stack / "agent.pid"

    @property
    def log(self) -> Path:
        """What it has done and what went wrong."""
        return self.stack / "agent.log"

    @property
    def report(self) -> Path:
        """How each duty went last."""
        return self.stack / "agent-report.json"

    def running(self) -> bool:
        """Whether it lives."""
        return held(self.hold)

    def process(self) -> psutil.Process | None:
        """Its process, if it lives."""
        if not self.running():
            return None
        with suppress(OSError, ValueError, psutil.Error):
            return psutil.Process(int(self.hold.read_text()))
        return None

    def start(self) -> None:
        """Start it unless it runs; it outlives this process and its terminal.

        Raises:
            StrongroomError: it did not start.
        """
        if self.running():
            return
        with self.log.open("ab") as log:
            # It forks and the first process ends: nobody is left to wait for the second.
            subprocess.run(
                [sys.executable, "-m", "strongroom.agent", str(self.stack), "--detach"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
                env=clean_environment(),
                start_new_session=True,
                check=False,
            )
        if not _within(_PATIENCE, self.running):
            raise StrongroomError(
                f"The agent of {self.stack.name} did not start within {_PATIENCE} s, so there is "
                f"no heartbeat and no snapshot between two runs of `up`. Its log, {self.log}, says "
                "why; mend that and run `strongroom agent start`."
            )

    def stop(self) -> None:
        """End it; what it is doing is finished first, or begun anew by the next one.

        Raises:
            StrongroomError: it does not end.
        """
        process = self.process()
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
        if not _within(_PATIENCE, lambda: not self.running()):
            raise StrongroomError(
                f"The agent of {self.stack.name} (process {process.pid}) has not ended within "
                f"{_PATIENCE} s: it is in the middle of something, such as a snapshot. Wait, or "
                "end the process; nothing is lost by that."
            )

    def reported(self) -> dict[str, Any]:
        """How each duty went last: when, and what it said or what was wrong."""
        try:
            found = json.loads(self.report.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_report(self, went: Mapping[str, Any]) -> None:
        """Note how each duty went last."""
        SystemUser.current().write(self.report, json.dumps(went, indent=2))

    def silent_for(self) -> float | None:
        """Seconds since the last heartbeat that went well; None when there was none."""
        at = self.reported().get("heartbeat", {}).get("good")
        if at is None:
            return None
        return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()


def _within(seconds: float, condition: Any) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
