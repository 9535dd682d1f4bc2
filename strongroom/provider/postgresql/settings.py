"""How the provider signs in: the settings of pulumi-postgresql that make sense without passwords.

Source of names and defaults: pulumi-postgresql 3.18.2, `postgresql.Provider`.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator

from strongroom import reach
from strongroom.provider.resource import Properties
from strongroom.provider.values import has_unknown

#: What the engine itself adds to a provider's settings.
ENGINE_KEYS = frozenset({"version", "pluginDownloadURL", "pluginChecksums", "__internal"})

_CLOUD = (
    "signing in through this cloud's identity service is left to the official plugin; sign in "
    "with clientcert here"
)
REFUSED: Mapping[str, str] = {
    "azureIdentityAuth": _CLOUD,
    "azureTenantId": _CLOUD,
    "gcpIamImpersonateServiceAccount": _CLOUD,
    "sslMode": "it is the deprecated spelling of sslmode; say sslmode",
}


class Settings(Properties):
    """One provider's way into a server.

    What is left out comes from libpq's environment (PGHOST, PGUSER and so on), then from the
    official plugin's defaults: user and database postgres, sslmode require.

    Attributes:
        host: name or address of the server, or the folder of its socket.
        port: TCP port, 1 to 65535.
        database: where roles and memberships are managed, and the default of a Schema.
        username: the role to sign in as.
        password: accepted for servers that know no certificates; never logged or stored.
        sslmode: libpq's sslmode.
        sslrootcert: file with the authority the server's certificate must come from.
        clientcert: ``cert`` and ``key``, two files.
        connect_timeout: seconds until an attempt to connect is given up; 0 waits for ever.
        aws_rds_iam_auth: whether an IAM token is made at every sign-in, in place of a password.
        aws_rds_iam_region: the instance's region; empty for the one of AWS's own settings.
        aws_rds_iam_profile: a profile of AWS's configuration files whose credentials sign.
        aws_rds_iam_provider_role_arn: a role that is assumed to sign.
        max_connections: accepted and not needed: there is one connection for each database.
        superuser: accepted and not needed: it says whether passwords can be read back.
        database_username: accepted and not needed: the server is asked who it sees.
        scheme: only ``postgres``.
        expected_version: accepted and not needed: the server is asked.
    """

    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    database: str | None = None
    username: str | None = None
    password: SecretStr | None = Field(default=None, json_schema_extra={"secret": True})
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = (
        None
    )
    sslrootcert: str | None = None
    clientcert: dict[str, str] | None = None
    aws_rds_iam_auth: bool = False
    aws_rds_iam_region: str = ""
    aws_rds_iam_profile: str = ""
    aws_rds_iam_provider_role_arn: str = ""
    connect_timeout: int = Field(default=180, ge=-1)
    max_connections: int = Field(default=20, ge=-1)
    superuser: bool = True
    database_username: str | None = None
    scheme: Literal["postgres"] = "postgres"
    expected_version: str | None = None

    @field_validator("clientcert", mode="before")
    @classmethod
    def _certificate(cls, value: Any) -> Any:
        given = json.loads(value) if isinstance(value, str) else value
        if isinstance(given, list) and len(given) == 1:
            given = given[0]
        if not isinstance(given, dict) or not {"cert", "key"} <= given.keys():
            raise ValueError("it must name two files, cert and key")
        if given.get("sslinline") not in (None, False, "false"):
            raise ValueError(
                "sslinline would put a private key into Pulumi's state; write certificate and "
                "key to files and name those"
            )
        return {"cert": given["cert"], "key": given["key"]}

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Read the settings as the engine gives them: strings, and JSON in strings.

        Raises:
            pydantic.ValidationError: a setting cannot be used; see `problems`.
        """
        return cls.model_validate(_own(values))

    @property
    def default_database(self) -> str:
        """The database roles are managed from, and where a Schema goes that names none."""
        return self.database or os.environ.get("PGDATABASE") or "postgres"

    def parameters(self, database: str) -> dict[str, Any]:
        """How to connect to `database`, as `reach.connect` takes it."""
        wanted: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "dbname": database,
            "user": self.username or os.environ.get("PGUSER") or "postgres",
            "password": self.password.get_secret_value() if self.password else None,
            "sslmode": self.sslmode or os.environ.get("PGSSLMODE") or "require",
            "sslrootcert": self.sslrootcert,
            "sslcert": self.clientcert["cert"] if self.clientcert else None,
            "sslkey": self.clientcert["key"] if self.clientcert else None,
            "connect_timeout": max(self.connect_timeout, 0),
        }
        if self.aws_rds_iam_auth:
            wanted |= {
                reach.REGION: self.aws_rds_iam_region,
                reach.PROFILE: self.aws_rds_iam_profile,
                reach.ROLE: self.aws_rds_iam_provider_role_arn,
            }
        return {name: value for name, value in wanted.items() if value is not None}


def problems(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a provider's settings; those not known yet are not judged.

    Returns:
        pairs of the setting's name and the reason it is refused.
    """
    given = _own(values)
    found = [(name, REFUSED[name]) for name, value in given.items() if name in REFUSED and value]
    known = {
        name: value
        for name, value in given.items()
        if name not in REFUSED and not has_unknown(value)
    }
    try:
        Settings.model_validate(known)
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            # The engine prints the value of a setting that is refused under its own name.
            secret = name == "password"
            found.append(("", f"{name}: {problem['msg']}") if secret else (name, problem["msg"]))
    return found


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without the engine's, and without refused ones that say nothing."""
    return {
        name: value
        for name, value in values.items()
        if name not in ENGINE_KEYS and not (name in REFUSED and value in ("", "false", False))
    }
