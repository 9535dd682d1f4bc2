"""When the next restore drill is due, and starting it as a process of its own.

The agent does not wait for it: a drill of a large database takes longer than anything else it does.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from strongroom.agent.duties import Duties
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.system_user import clean_environment
from strongroom.cluster.vault import Vault
from strongroom.drill.kept import Kept, Kind, kept

# A new stack is left in peace at first.
_FIRST_AFTER = timedelta(hours=1)
# After one that did not pass the next comes sooner: perhaps it was mended.
_AGAIN_AFTER = timedelta(days=1)


class Schedule:
    """The drill of one agent that is under way, if any."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def look(self, duties: Duties) -> str:
        """Start a drill when one is due; says how things stand."""
        if self._process is not None and self._process.poll() is None:
            return "one is under way"
        last = next(reversed(kept(duties.stack, Kind.RESTORE)), None)
        if not due(duties, last):
            outcome = "none yet" if last is None else "passed" if last.passed else "did not pass"
            return f"none is due; the last one: {outcome}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "strongroom.drill.restoring", str(duties.stack)],
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env=clean_environment(),
            start_new_session=True,
        )
        return "one is begun"


def due(duties: Duties, last: Kept | None) -> bool:
    """Whether a restore drill is due.

    Args:
        duties: those of the agent.
        last: the last one; None when there was none.
    """
    if not duties.drill_every_days:
        return False
    every = timedelta(days=duties.drill_every_days)
    if last is not None:
        return last.age >= (every if last.passed else min(every, _AGAIN_AFTER))
    good = Vault(duties.vault, Cluster.at(duties.directory).user).good()
    return bool(good) and datetime.now(UTC) - good[0].finished >= _FIRST_AFTER
