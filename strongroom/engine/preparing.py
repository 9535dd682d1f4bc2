"""What comes before the engine: its environment, its plugins, and what a killed run left."""

import os
import shutil
import sys
from pathlib import Path

from strongroom.cluster.stack import StackFolder
from strongroom.engine import STACK
from strongroom.engine.environment import environment, process_environment
from strongroom.engine.locks import clear_stale, refuse_if_locked
from strongroom.engine.orphans import end_orphans
from strongroom.engine.plugins import install
from strongroom.engine.state import drop_pending, ensure_stack, project_name, without_salt
from strongroom.errors import StrongroomError
from strongroom.home import Home


def prepare(home: Home, *, changes: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Everything up to the engine's start; the variables alone, and a whole environment."""
    engine_bin = _engine_bin()
    variables = environment(home, engine_bin)
    plugin = install(home, process_environment(variables))
    # Installing may have changed which plugin belongs on PATH.
    variables = environment(home, engine_bin)
    whole = process_environment(variables)
    say(f"{plugin}.")
    project = project_name(home)
    for lock in clear_stale(home, project):
        say(f"removed the lock of an engine that is gone: {lock}.")
        for pid in end_orphans(home.checkout):
            say(f"ended process {pid}, which still waited for it.")
    with without_salt(home):
        ensure_stack(home, whole)
    if changes:
        refuse_if_locked(home, project)
        for operation in drop_pending(home, whole):
            say(f"an engine was killed while {operation}; this run does it again.")
    return variables, whole


def _engine_bin() -> Path:
    found = shutil.which("pulumi")
    if found is None:
        raise StrongroomError(
            "There is no pulumi on PATH, so nothing was done. Run this through make, which finds "
            "or builds the engine: make up, make preview, make down, make env."
        )
    return Path(found).parent


def elsewhere(home: Home) -> dict[str, str]:
    """A whole environment for a stack whose state is not here.

    The backend, its login and its keys are the caller's own: PULUMI_BACKEND_URL and so on.
    """
    front = [str(home.checkout / ".venv" / "bin"), str(_engine_bin())]
    path = os.pathsep.join([*front, os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def primary_runs(home: Home) -> bool:
    """Whether the local stack's primary is there and runs."""
    try:
        return StackFolder(home.stack(STACK)).primary.running()
    except StrongroomError:
        return False


def say(text: str) -> None:
    """Tell progress, apart from answers."""
    sys.stderr.write(f"strongroom: {text}\n")
