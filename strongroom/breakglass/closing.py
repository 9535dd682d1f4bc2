"""The process that ends a break-glass: `python -m strongroom.breakglass.closing STACKFOLDER ID`.

It is started before anything is given and has a session of its own, so neither a closed terminal
nor a killed command line keeps it from ending what was given.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from strongroom import alerts
from strongroom.alerts import Alert
from strongroom.breakglass.ending import LEFT, TIME_OVER, end
from strongroom.breakglass.glass import Glass
from strongroom.breakglass.hold import Holds, held, holding
from strongroom.breakglass.record import Record
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import forget_libpq_settings
from strongroom.errors import StrongroomError

READY = b"ready\n"

# Seconds; a server that is being restarted comes back within this.
_PATIENCE = 600
_LOOK_EVERY = 0.2


def main(arguments: Sequence[str]) -> int:
    """Wait until the person has left or the time is over, and end it."""
    forget_libpq_settings()
    stack = StackFolder(Path(arguments[0]))
    glass = next(each for each in Record(stack.path).unfinished() if each.id == arguments[1])
    holds = Holds.of(stack, glass)
    with holding(holds.closer):
        _say_ready()
        why = _wait(holds, glass)
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type((StrongroomError, OSError)),
                stop=stop_after_delay(_PATIENCE),
                wait=wait_fixed(1),
                reraise=True,
            ):
                with attempt:
                    end(stack, glass, why)
        except (StrongroomError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            _tell(stack, glass, error)
            return 1
    return 0


def _say_ready() -> None:
    """Tell the command line, and let go of the pipe to it."""
    with suppress(OSError):  # it was killed meanwhile, so its hold is gone and this ends soon
        os.write(sys.stdout.fileno(), READY)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _wait(holds: Holds, glass: Glass) -> str:
    # By both clocks: one can be set back, the other stands still while a machine sleeps.
    deadline = time.monotonic() + (glass.until - datetime.now(UTC)).total_seconds()
    while datetime.now(UTC) < glass.until and time.monotonic() < deadline:
        if not held(holds.person):
            return LEFT
        time.sleep(_LOOK_EVERY)
    return TIME_OVER


def _tell(stack: StackFolder, glass: Glass, error: Exception) -> None:
    with suppress(StrongroomError):
        alerts.raise_alert(
            stack.path,
            Alert(
                at=datetime.now(UTC),
                kind="break-glass.not-closed",
                title=f"Break-glass NOT ended on {stack.path.name}: {glass.who}",
                text=f"{glass.told()}, and it could not be ended: {error} `pulumi up` ends it.",
            ),
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
