"""What the Makefile calls: `python -m strongroom.engine env|up|preview|destroy [arguments]`."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from strongroom.cluster.stack import StackFolder
from strongroom.engine import STACK
from strongroom.engine.environment import environment, exports, process_environment
from strongroom.engine.locks import clear_stale, refuse_if_locked
from strongroom.engine.orphans import end_orphans
from strongroom.engine.plugins import install
from strongroom.engine.runs import runs
from strongroom.engine.state import (
    drop_pending,
    ensure_stack,
    has_rights,
    project_name,
    without_salt,
)
from strongroom.errors import SettingsError, StrongroomError
from strongroom.home import Home

COMMANDS = ("env", "up", "preview", "destroy")


def main(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: the command and what is handed on to `pulumi`.

    Returns:
        The exit code of `pulumi`, or that of the error.
    """
    command, *rest = arguments or [""]
    if command not in COMMANDS:
        _say(f"{command!r} is no command; there are {', '.join(COMMANDS)}. Nothing was done.")
        return SettingsError.exit_code
    try:
        home = Home.find()
        variables, whole = _prepare(home, changes=command in ("up", "destroy"))
        if command == "env":
            sys.stdout.write(f"{exports(variables)}\n")
            return 0
        return _run_all(home, whole, command, rest)
    except StrongroomError as error:
        _say(str(error))
        return error.exit_code


def _prepare(home: Home, *, changes: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Everything up to the engine's start; the variables alone, and a whole environment."""
    engine_bin = _engine_bin()
    variables = environment(home, engine_bin)
    plugin = install(home, process_environment(variables))
    # Installing may have changed which plugin belongs on PATH.
    variables = environment(home, engine_bin)
    whole = process_environment(variables)
    _say(f"{plugin}.")
    project = project_name(home)
    for lock in clear_stale(home, project):
        _say(f"removed the lock of an engine that is gone: {lock}.")
        for pid in end_orphans(home.checkout):
            _say(f"ended process {pid}, which still waited for it.")
    with without_salt(home):
        ensure_stack(home, whole)
    if changes:
        refuse_if_locked(home, project)
        for operation in drop_pending(home, whole):
            _say(f"an engine was killed while {operation}; this run does it again.")
    return variables, whole


def _engine_bin() -> Path:
    found = shutil.which("pulumi")
    if found is None:
        raise StrongroomError(
            "There is no pulumi on PATH, so nothing was done. Run this through make, which finds "
            "or builds the engine: make up, make preview, make down, make env."
        )
    return Path(found).parent


def _run_all(home: Home, whole: Mapping[str, str], command: str, rest: list[str]) -> int:
    planned = runs(command, rest, compare=has_rights(home), serves=_primary_runs(home))
    with without_salt(home):
        for position, arguments in enumerate(planned):
            if position:
                _say("the primary runs again; comparing every role and right with it.")
            code = _run(home, whole, arguments)
            if code != 0:
                return code
    return 0


def _primary_runs(home: Home) -> bool:
    try:
        return StackFolder(home.stack(STACK)).primary.running()
    except StrongroomError:
        return False


def _run(home: Home, whole: Mapping[str, str], arguments: list[str]) -> int:
    """Run `pulumi` in the terminal's hands and pass its exit code on."""
    process = subprocess.Popen(
        ["pulumi", *arguments, "--stack", STACK], cwd=home.checkout, env=dict(whole)
    )
    # Ctrl-C reaches the engine by itself, and it ends in order: until then nothing is cleaned up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def _say(text: str) -> None:
    sys.stderr.write(f"strongroom: {text}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
