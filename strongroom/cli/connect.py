"""`strongroom connect`: sign in as yourself, with a certificate of your own."""

import difflib
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from strongroom.cli.options import StackOption
from strongroom.cluster.certificates import PERSON_LIFETIME, KeyPair
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.system_user import SystemUser
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def connect(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="An engineer or service of the roster.")],
    stack: StackOption = "local",
    print_env: Annotated[
        bool, typer.Option("--print-env", help="Print shell exports for other clients instead.")
    ] = False,
) -> None:
    """Sign in as NAME with a client certificate that is valid for 12 hours.

    Without more, psql starts. What follows `--` is given to psql, or run in its place when it
    names a program: `strongroom connect linus -- psql -c 'select 1'`.
    """
    chosen = Declaration.load(stack)
    _refuse_unknown(chosen, name)
    folder = StackFolder(chosen.folder)
    cluster = folder.primary
    if not cluster.running():
        raise StrongroomError(
            f"The primary of {stack} is stopped, so nobody can sign in. `make up` starts it."
        )
    pair = _certificate(folder, name)
    trusted = folder.authority.certificate
    parameters = sign_in(cluster, name, pair, trusted, chosen.settings.database)
    variables = {_VARIABLES[key]: value for key, value in parameters.items()}
    if print_env:
        for variable, value in variables.items():
            typer.echo(f"export {variable}={shlex.quote(value)}")
        return
    command = context.args
    if not command or command[0].startswith("-"):
        command = ["psql", *command]
    path = f"{cluster.package.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, **variables, "PATH": path}
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - this is what was asked for
    except OSError as error:
        raise StrongroomError(
            f"{command[0]} could not be started: {error.strerror}. Nothing was run. Name a "
            "program that is on your PATH, or leave it out for psql."
        ) from error


def _refuse_unknown(stack: Declaration, name: str) -> None:
    members = [member.role for member in stack.members]
    known = [*members, *(service.role for service in stack.roster.services)]
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise StrongroomError(
        f"{name} is neither an engineer nor a service of {stack.environment}, so there is nobody "
        f"to sign in as.{hint} The roster is stacks/{stack.settings.roster}: a pull request adds "
        "someone, `pulumi up` makes the role."
    )


def _certificate(folder: StackFolder, name: str) -> KeyPair:
    """A new certificate in a folder of its own, so that two sign-ins at once never mix."""
    me = SystemUser.current()
    me.folder(folder.people)
    _sweep(folder.people)
    own = me.folder(folder.people / f"{name}-{time.time_ns()}")
    pair = KeyPair(own / "client.crt", own / "client.key")
    folder.authority.issue_client(pair, me, name, PERSON_LIFETIME)
    return pair


def _sweep(people: Path) -> None:
    """Remove certificates that have ended."""
    limit = time.time() - PERSON_LIFETIME.total_seconds()
    for old in people.iterdir():
        if old.stat().st_mtime < limit:
            shutil.rmtree(old, ignore_errors=True)
