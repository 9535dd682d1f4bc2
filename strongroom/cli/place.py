"""Where the database of a stack is, and how a role signs in there, on either platform."""

import json
import subprocess
from dataclasses import dataclass
from typing import Annotated

import typer

from strongroom import reach
from strongroom.aws_names import fetching_authorities
from strongroom.aws_settings import PORT
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.stack import sign_in as by_certificate
from strongroom.declaration import Declaration
from strongroom.errors import SettingsError, StrongroomError
from strongroom.home import Home
from strongroom.tiers import PROVISIONER

#: The stack's output that says where the primary is, as HOST:PORT.
_OUTPUT = "primary"

HostOption = Annotated[
    str,
    typer.Option(
        "--host", help="On AWS: the primary's endpoint; left out, the stack's outputs tell it."
    ),
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65535, help="On AWS: the port, with --host; the stack's by default."
    ),
]
AsOption = Annotated[
    str,
    typer.Option(
        "--as", envvar="STRONGROOM_AS", help="On AWS: the role to sign in as, such as yourself."
    ),
]


@dataclass(frozen=True)
class Endpoint:
    """Where a database on AWS is reached.

    Attributes:
        host: the instance's own endpoint.
        port: its TCP port.
    """

    host: str
    port: int

    @classmethod
    def of(cls, stack: Declaration, host: str, port: int | None) -> "Endpoint":
        """The endpoint as it is named, or as the stack's outputs have it.

        Raises:
            StrongroomError: the outputs cannot be read, or name no primary.
        """
        if host:
            return cls(host, port or stack.settings.port or PORT)
        told = _outputs(stack.environment).get(_OUTPUT)
        host, _, at = str(told or "").rpartition(":")
        if not host or not at.isdigit():
            raise StrongroomError(
                f"The outputs of the stack {stack.environment} name no {_OUTPUT}, so there is no "
                "database to sign in to. `pulumi up` makes it; one that is there already is named "
                "by --host."
            )
        return cls(host, int(at))


def on_aws(stack: Declaration) -> bool:
    """Whether a stack's database is an instance of RDS."""
    return stack.settings.platform == "aws"


def by_token(stack: Declaration, role: str, endpoint: Endpoint) -> dict[str, str]:
    """How `role` signs in on AWS, as `reach.connect` takes it.

    Raises:
        StrongroomError: there are no certificates to know the server by.
    """
    aws = stack.settings.aws
    trusted = Home.find().checkout / aws.authorities
    if not trusted.is_file():
        raise StrongroomError(
            f"{trusted} is not there, so nothing could tell the database from an impostor, and "
            "nobody was signed in. It holds the certificates of RDS's authorities: "
            f"`{fetching_authorities(aws.region, aws.authorities)}` fetches them."
        )
    return {
        "host": endpoint.host,
        "port": str(endpoint.port),
        "dbname": stack.settings.database,
        "user": role,
        "sslmode": "verify-full",
        "sslrootcert": str(trusted),
        reach.REGION: aws.region,
    }


def looking(stack: Declaration, role: str, host: str, port: int | None) -> dict[str, str]:
    """How whoever looks at rights signs in: the provisioner, unless a role is named on AWS.

    Raises:
        SettingsError: an option that is for AWS was given for another stack.
        StrongroomError: the stack has no database yet, or where it is cannot be found out.
    """
    if on_aws(stack):
        return by_token(stack, role or PROVISIONER, Endpoint.of(stack, host, port))
    refuse_elsewhere(stack, host)
    folder = StackFolder(stack.folder)
    trusted = folder.authority.certificate
    pair, database = folder.provisioner, stack.settings.database
    return by_certificate(folder.primary, PROVISIONER, pair, trusted, database)


def refuse_elsewhere(stack: Declaration, host: str) -> None:
    """Raise `SettingsError` when an address is named for a stack that knows its own."""
    if host:
        problem = f"--host {host}: {stack.environment} is not on AWS and knows where it is"
        raise SettingsError("the command line", [f"{problem}. Leave --host out"])


def _outputs(environment: str) -> dict[str, object]:
    command = ["pulumi", "stack", "output", "--json", "--stack", environment, "--non-interactive"]
    try:
        done = subprocess.run(
            command, cwd=Home.find().checkout, capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
    except FileNotFoundError as error:
        raise _unknown(environment, "there is no pulumi on the PATH") from error
    except subprocess.CalledProcessError as error:
        raise _unknown(environment, " ".join(error.stderr.split()).rstrip(".")) from error
    except ValueError as error:
        raise _unknown(environment, "pulumi did not answer in JSON") from error
    return found if isinstance(found, dict) else {}


def _unknown(environment: str, reason: str) -> StrongroomError:
    return StrongroomError(
        f"Where the database of {environment} is could not be found out from the stack's outputs: "
        f"{reason}. Nothing was done. Sign in to the stack's backend (`pulumi login`), or name "
        "the endpoint with --host."
    )
