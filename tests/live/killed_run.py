"""A program that makes a primary and is killed on the way: `python killed_run.py FOLDER AT [S]`.

It kills itself S seconds after it has said the line that begins with AT.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from strongroom.provider.local.primary import Primary, PrimaryInputs
from strongroom.provider.resource import Context
from tests.live.local_stack import SMALL


def main(folder: Path, at: str, after: float) -> None:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def say(message: str, **_: Any) -> None:
        if message.startswith(at):
            if after:
                threading.Timer(after, die).start()
            else:
                die()

    primary, context = Primary(), Context(say=say)
    inputs = PrimaryInputs(
        directory=str(folder / "primary"), database="app", guarded_schemas=["app"], settings=SMALL
    )
    primary.create(context, primary.check(context, inputs, {}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0)
