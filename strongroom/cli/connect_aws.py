"""`strongroom connect` on AWS: a client with an IAM token in its environment, and nowhere else."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from strongroom import reach
from strongroom.cli.place import Endpoint, by_token
from strongroom.cluster import psql
from strongroom.cluster.package import at_hand
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.provider.local.common import kept_servers


def run(
    stack: Declaration,
    role: str,
    endpoint: Endpoint,
    command: Sequence[str],
    settings: Mapping[str, str],
    note: str,
) -> int:
    """Run a client as a role until it ends.

    A proxy of ALL_PROXY is reached through this process, which is why it stays.

    Args:
        stack: whose database it is.
        role: an engineer or service of its roster.
        endpoint: where the database is.
        command: psql, or another client of libpq, with its arguments.
        settings: the server's settings for the session.
        note: what psql's prompt says besides the environment.

    Returns:
        the client's exit code.

    Raises:
        StrongroomError: no token can be made, the proxy leads nowhere, or there is no such client.
    """
    package = at_hand(kept_servers(), stack.settings.server_binaries)
    path = f"{package.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    signed_in = by_token(stack, role, endpoint)
    try:
        with reach.reached(signed_in) as found, tempfile.TemporaryDirectory() as folder:
            parameters = {name: str(value) for name, value in found.items()}
            variables = {**psql.variables(parameters, settings), "PATH": path}
            started = list(command)
            if psql.is_psql(command):
                said = psql.prompt(stack.environment, note)
                started, more = psql.prompted(command, said, Path(folder), package)
                variables |= more
            return _waited_for(started, {**os.environ, **variables})
    except psycopg.OperationalError as error:
        raise StrongroomError(
            f"{role} could not be signed in to {endpoint.host}: "
            f"{' '.join(str(error).split())}. Open the tunnel that ALL_PROXY names, and try again."
        ) from error


def _waited_for(command: Sequence[str], environment: Mapping[str, str]) -> int:
    # What psql gets Ctrl-C for must not end this process, which it is connected through.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = subprocess.Popen(command, env=dict(environment))
    except OSError as error:
        raise StrongroomError(
            f"{command[0]} could not be started: {error.strerror}. Nothing was run. Name a "
            "program that is on your PATH, or leave it out for psql."
        ) from error
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code
