"""A recovery that is killed on the way: `python recover_killed.py FOLDER STEP SECONDS`.

It begins the plan in FOLDER/plan.json, or goes on with the one that is under way, and kills itself
SECONDS after the step numbered STEP has begun; 0 is at once, and step 99 is never reached.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from strongroom.cluster.stack import StackFolder
from strongroom.provider.local.primary import PrimaryInputs
from strongroom.recovery.declared import Declared
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Plan
from strongroom.recovery.run import Run
from strongroom.recovery.situation import Situation


class Killer:
    """Follows a run until it is time."""

    def __init__(self, at: int, after: float) -> None:
        self._at, self._after = at, after

    def step(self, number: int, count: int, title: str) -> None:
        sys.stdout.write(f"{number}/{count} {title}\n")
        sys.stdout.flush()
        if number == self._at:
            if self._after:
                threading.Timer(self._after, self._die).start()
            else:
                self._die()

    def note(self, text: str) -> None:
        pass

    def keep(self, text: str) -> None:
        pass

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, at: int, after: float) -> None:
    inputs = PrimaryInputs.model_validate(json.loads((folder / "inputs.json").read_text()))
    situation = Situation(Declared(inputs).with_replicas(folder))
    under_way = Journal.at(StackFolder(folder))
    if under_way is not None:
        Run(situation, under_way, Killer(at, after)).go()
    else:
        plan = Plan.load(json.loads((folder / "plan.json").read_text()))
        Run.begin(situation, plan, Killer(at, after)).go()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
