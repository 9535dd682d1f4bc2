"""TCP ports of the loopback address."""

import hashlib
import random
import socket

from strongroom.cluster.configuration import LOOPBACK
from strongroom.errors import StrongroomError

# Below the ephemeral ports of Linux (32768), away from the registered ones people use.
_PORTS = range(15432, 25432)


def taken(port: int) -> bool:
    """Whether no server could listen on `port` because another process does."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def free_port(seed: bytes) -> int:
    """A free port, the same one for the same seed while it stays free.

    Raises:
        StrongroomError: none of a hundred tries was free.
    """
    choices = random.Random(hashlib.sha256(seed).digest())  # noqa: S311 - not a secret
    for port in choices.sample(_PORTS, 100):
        if not taken(port):
            return port
    raise StrongroomError(
        f"No free port was found between {_PORTS.start} and {_PORTS.stop - 1} on {LOOPBACK} in "
        "100 tries, so no server can be started. Name one with `pulumi config set port …`."
    )
