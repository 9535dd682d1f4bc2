"""Programs of PostgreSQL that are watched while they work, with root's password if needed."""

import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from strongroom.cluster.system_user import SystemUser, clean_environment
from strongroom.errors import StrongroomError


def starting(
    user: SystemUser, command: Iterable[str | Path], environment: Mapping[str, str]
) -> dict[str, Any]:
    """What to hand to Popen for a program that runs as `user`.

    It stays in the caller's process group, so that Ctrl-C ends it too.

    Args:
        user: who it runs as.
        command: the program and its arguments; never a secret among them.
        environment: further variables, which only this user and root can see.
    """
    whole = {**clean_environment(), **environment}
    arguments = [str(part) for part in command]
    return {"args": arguments, "env": whole, "cwd": "/", "umask": 0o077, **user.identity()}


def watch(
    user: SystemUser,
    *command: str | Path,
    environment: Mapping[str, str],
    note: Callable[[str], None],
) -> None:
    """Run a program to its end as `user`, handing on each line it says.

    Args:
        user: who it runs as.
        command: the program and its arguments; never a secret among them.
        environment: further variables, which only this user and root can see.
        note: gets every line of its standard error.

    Raises:
        StrongroomError: it failed; holds its last lines.
    """
    last: deque[str] = deque(maxlen=4)
    with subprocess.Popen(
        **starting(user, command, environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stderr or ():
                last.append(line.strip())
                note(line.strip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise StrongroomError(
            f"{Path(str(command[0])).name} failed with exit code {process.returncode}: "
            f"{' / '.join(last)}. What it wrote so far is not used and the source is untouched. "
            "Mend the cause and run `strongroom recover` again: it goes on where this stopped."
        )
