"""Recoveries in processes of their own, which can be killed, alone or with all servers."""

import json
import subprocess
import sys
from pathlib import Path

import psutil

from strongroom.recovery.plan import Plan
from tests.conftest import kill
from tests.live.recover_scene import Scene

PROGRAM = Path(__file__).with_name("recover_killed.py")
NEVER = 99


def prepared(scene: Scene, plan: Plan) -> None:
    """Write down what the process is to do."""
    folder = scene.stack.folder
    (folder / "inputs.json").write_text(json.dumps(scene.stack.primary.inputs))
    (folder / "plan.json").write_text(json.dumps(plan.dump()))


def begun(scene: Scene, at: int = NEVER, after: float = 0) -> subprocess.Popen[str]:
    """Begin it, or go on; it kills itself some seconds after a step has begun."""
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(scene.stack.folder), str(at), str(after)],
        env={"PYTHONPATH": str(PROGRAM.parents[2]), "PATH": "/usr/bin:/bin",
             "STRONGROOM_HOME": str(scene.stack.folder.parent)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed(scene: Scene, at: int, after: float = 0) -> list[str]:
    """Run it until it is killed, or to its end; returns the steps it began."""
    with begun(scene, at, after) as process:
        said, problem = process.communicate(timeout=120)
    assert process.returncode in ((0,) if at == NEVER else (0, -9)), problem
    return said.splitlines()


def reboot(scene: Scene) -> None:
    """Kill everything of a stack at once, as a machine that is switched off does."""
    here = str(scene.stack.folder)
    mine = [
        each
        for each in psutil.process_iter(["cmdline", "cwd"])
        if here in " ".join(each.info["cmdline"] or ()) or (each.info["cwd"] or "").startswith(here)
    ]
    kill(mine)
