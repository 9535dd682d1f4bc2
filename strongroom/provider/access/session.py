"""How resources of access sign in: as the provisioner, with a certificate or by IAM."""

from collections.abc import Mapping
from typing import Any

import psycopg

from strongroom import reach
from strongroom.errors import StrongroomError
from strongroom.provider.resource import Refusal


def connect(sign_in: Mapping[str, str]) -> psycopg.Connection[Any]:
    """A session of the provisioner, in autocommit.

    Args:
        sign_in: how to connect, as `reach.connect` takes it.

    Raises:
        StrongroomError: it cannot sign in.
    """
    try:
        return reach.connect(
            sign_in, application_name="strongroom", autocommit=True, connect_timeout=10
        )
    except psycopg.Error as error:
        raise StrongroomError(
            f"The roles could not be looked at: {' '.join(str(error).split())}. Nothing was "
            "changed. If the server is stopped, `pulumi up` starts it."
        ) from error


def refuse_password(sign_in: Mapping[str, str]) -> None:
    """Raise `Refusal` when a password is among the connection parameters."""
    if "password" in sign_in:
        reason = "a password would end up in the engine's state; sign in by certificate or IAM"
        raise Refusal(("signIn", reason))
