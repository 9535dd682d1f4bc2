"""What the Makefile calls: `python -m strongroom.engine env|up|preview|destroy [arguments]`."""

import signal
import subprocess
import sys
from collections.abc import Mapping

from strongroom.engine import STACK
from strongroom.engine.environment import exports
from strongroom.engine.preparing import prepare, primary_runs, say
from strongroom.engine.runs import runs
from strongroom.engine.state import has_rights, without_salt
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
        say(f"{command!r} is no command; there are {', '.join(COMMANDS)}. Nothing was done.")
        return SettingsError.exit_code
    try:
        home = Home.find()
        variables, whole = prepare(home, changes=command in ("up", "destroy"))
        if command == "env":
            sys.stdout.write(f"{exports(variables)}\n")
            return 0
        return _run_all(home, whole, command, rest)
    except StrongroomError as error:
        say(str(error))
        return error.exit_code


def _run_all(home: Home, whole: Mapping[str, str], command: str, rest: list[str]) -> int:
    planned = runs(command, rest, compare=has_rights(home), serves=primary_runs(home))
    with without_salt(home):
        for position, arguments in enumerate(planned):
            if position:
                say("the primary runs again; comparing every role and right with it.")
            code = _run(home, whole, arguments)
            if code != 0:
                return code
    return 0


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


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
