"""How Strongroom's own connections reach a database: by IAM, and through a proxy where one is set.

A description of how to sign in becomes a session here and nowhere else. What it holds is no secret
and may lie in the engine's state: libpq's connection parameters, and for RDS, in place of a
password, the region whose IAM makes one.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from strongroom.cluster.configuration import LOOPBACK
from strongroom.reach.forwarder import Forwarder
from strongroom.reach.proxy import Proxy
from strongroom.reach.token import Signer

#: Keys that are not libpq's: with the first, the password is an IAM token (see `Signer`).
REGION, PROFILE, ROLE = "aws_region", "aws_profile", "aws_role"

_PORT = "5432"


def connect(sign_in: Mapping[str, Any], **options: Any) -> psycopg.Connection[Any]:
    """Open a session.

    Args:
        sign_in: libpq's connection parameters. With the key ``aws_region``, which may be empty
            for the region AWS's own settings name, the password is an IAM token; ``aws_profile``
            and ``aws_role`` say whose credentials sign it.
        options: what else `psycopg.connect` takes, such as autocommit.

    Raises:
        psycopg.OperationalError: the server, or the proxy before it, lets nobody through.
        StrongroomError: no token can be made, or ALL_PROXY cannot be read.
    """
    with reached({**sign_in, **options}) as parameters:
        try:
            return psycopg.connect(**parameters)
        except psycopg.OperationalError as error:
            if parameters.get("hostaddr") == sign_in.get("hostaddr") or error.sqlstate is not None:
                raise
            ours = f'"{LOOPBACK}", port {parameters["port"]}'
            theirs = f'"{parameters["host"]}", port {_port(sign_in)} (by way of ALL_PROXY)'
            raise type(error)(str(error).replace(ours, theirs)) from error


@contextmanager
def reached(sign_in: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a client of libpq has to be told while the block lasts, and no longer.

    It may hold a token. A session that began within the block goes on after it.

    Args:
        sign_in: as `connect` takes it.

    Raises:
        psycopg.OperationalError: the proxy does not reach the server.
        StrongroomError: no token can be made, or ALL_PROXY cannot be read.
    """
    own = (REGION, PROFILE, ROLE)
    parameters = {name: value for name, value in sign_in.items() if name not in own}
    host, port = str(sign_in.get("host") or os.environ.get("PGHOST") or ""), _port(sign_in)
    if REGION in sign_in:
        user = str(sign_in.get("user") or os.environ.get("PGUSER") or "")
        signer = Signer(*(str(sign_in.get(name) or "") for name in own))
        parameters["password"] = signer.token(host, port, user)
    proxy = None if sign_in.get("hostaddr") else Proxy.towards(host)
    if proxy is None:
        yield parameters
        return
    seconds = float(sign_in.get("connect_timeout") or 0) or None
    with Forwarder(proxy, host, port, seconds) as forwarder:
        # The name stays: TLS verifies it.
        yield {**parameters, "host": host, "hostaddr": LOOPBACK, "port": forwarder.port}


def _port(sign_in: Mapping[str, Any]) -> int:
    return int(sign_in.get("port") or os.environ.get("PGPORT") or _PORT)
