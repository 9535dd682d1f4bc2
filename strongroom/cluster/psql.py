"""What psql, and any other client, is started with: who signs in where, and a prompt that says so.

A prompt that names the environment is the last thing between a person and a statement meant for
another database, so a user's own psqlrc cannot hide it.
"""

import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from strongroom.cluster.certificates import PERSON_LIFETIME, KeyPair
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser

# libpq's environment variables (PostgreSQL documentation, "Environment Variables").
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "application_name": "PGAPPNAME",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}

# Bold white on red, black on yellow, black on green (ECMA-48, 8.3.117).
_RED, _YELLOW, _GREEN = "1;97;41", "30;43", "30;42"
_COLORS = {"production": _RED, "prod": _RED, "staging": _YELLOW, "stage": _YELLOW}

# psql's options that run something and end, also behind others, as in -Atc.
_RUNS_AND_ENDS = re.compile(r"-[a-zA-Z0-9]*[cfl]|--(command|file|list)\b")


def variables(parameters: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The environment variables by which every client of libpq signs in.

    Args:
        parameters: connection parameters by libpq's names.
        settings: the server's settings for the session.
    """
    named = {_VARIABLES[name]: value for name, value in parameters.items()}
    return named | ({"PGOPTIONS": options(settings)} if settings else {})


def options(settings: Mapping[str, str]) -> str:
    """Settings as PGOPTIONS has them: the server splits at spaces, and a backslash stops it."""
    escaped = {name: re.sub(r"([\\\s])", r"\\\1", value) for name, value in settings.items()}
    return " ".join(f"-c {name}={value}" for name, value in escaped.items())


def own_pair(folder: StackFolder, role: str, lifetime: timedelta) -> KeyPair:
    """A new certificate in a folder of its own, so that two sign-ins at once never mix."""
    me = SystemUser.current()
    me.folder(folder.people)
    sweep(folder.people)
    own = me.folder(folder.people / f"{role}-{time.time_ns()}")
    pair = KeyPair(own / "client.crt", own / "client.key")
    folder.authority.issue_client(pair, me, role, lifetime)
    return pair


def sweep(folder: Path) -> None:
    """Remove what was put below `folder` for sign-ins whose certificates have ended."""
    limit = time.time() - PERSON_LIFETIME.total_seconds()
    for old in folder.iterdir():
        if old.stat().st_mtime < limit:
            shutil.rmtree(old, ignore_errors=True)


def prompt(environment: str, note: str = "", *, alarm: bool = False) -> str:
    """A prompt for psql, such as ``[production READ ONLY] chiara@app=> ``.

    It tells how the session was started: psql cannot follow what is SET later.

    Args:
        environment: the stack's name; letters, digits, ``_``, ``.`` and ``-``.
        note: what else to know, in capitals.
        alarm: red whatever the environment. The color is left out when NO_COLOR is set.
    """
    badge = f"[{environment} {note}]" if note else f"[{environment}]"
    if not os.environ.get("NO_COLOR"):
        words = re.split(r"[^a-z]+", environment.lower())
        color = next((_COLORS[word] for word in words if word in _COLORS), _GREEN)
        badge = f"%[%033[{_RED if alarm else color}m%]{badge}%[%033[0m%]"
    return f"{badge} %n@%/%R%x%# "


def prompted(
    command: Sequence[str], said: str, folder: Path, package: ServerPackage
) -> tuple[list[str], dict[str, str]]:
    """Make psql show a prompt of ours.

    Args:
        command: psql and its arguments.
        said: the prompt.
        folder: where its startup file is put; opens to this user only.
        package: whose psql it is.

    Returns:
        the command, and what its environment needs besides.
    """
    startup = folder / "psqlrc"
    SystemUser.current().write(startup, _startup(said, _users_startup(package)))
    # Once more as variables, for psql -X and for a psqlrc that ends in an error.
    shown = [f"--set={name}={said}" for name in ("PROMPT1", "PROMPT2")]
    return [command[0], *shown, *command[1:]], {"PSQLRC": str(startup)}


def named(arguments: Sequence[str]) -> list[str]:
    """A command from what was given after ``--``: psql, unless a program is named."""
    given = list(arguments)
    return given if given and not given[0].startswith("-") else ["psql", *given]


def is_psql(command: Sequence[str]) -> bool:
    """Whether `command` runs psql itself."""
    return Path(command[0]).name == "psql"


def is_interactive(command: Sequence[str]) -> bool:
    """Whether `command` is a psql that asks for statements one by one."""
    return is_psql(command) and not any(_RUNS_AND_ENDS.match(each) for each in command[1:])


def _startup(said: str, theirs: Path | None) -> str:
    """Read the user's own file first, so that nothing in it comes after the prompt."""
    first = [f"\\i {_quoted(str(theirs))}"] if theirs else []
    sets = [f"\\set {name} {_quoted(said)}" for name in ("PROMPT1", "PROMPT2")]
    return "\n".join([*first, *sets, ""])


def _users_startup(package: ServerPackage) -> Path | None:
    """The startup file psql would have read by itself."""
    named = os.environ.get("PSQLRC")
    base = Path(named).expanduser() if named else Path.home() / ".psqlrc"
    versions = (f"-{package.version}", f"-{package.major}", "")
    files = (base.with_name(base.name + version) for version in versions)
    return next((file for file in files if os.access(file, os.R_OK)), None)


def _quoted(text: str) -> str:
    """Text as an argument of a psql command."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
