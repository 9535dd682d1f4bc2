"""Root's password on AWS: a secret whose rotation function alone may read it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from strongroom.bootstrap.scram import random_password
from strongroom.bootstrap.sealed import SealedPassword
from strongroom.errors import StrongroomError


class Client(Protocol):
    """What is used of boto3's Secrets Manager client."""

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        """One version of a secret."""

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        """Store a new version."""

    def describe_secret(self, **request: str) -> dict[str, Any]:
        """Which version has which stages."""

    def update_secret_version_stage(self, **request: str) -> dict[str, Any]:
        """Move a stage from one version to another."""

    def rotate_secret(self, **request: Any) -> dict[str, Any]:
        """Begin a rotation."""


@dataclass(frozen=True)
class Secret:
    """A secret in the form RDS documents: JSON with username and password among other keys.

    Attributes:
        client: boto3's Secrets Manager client.
        id: the secret's ARN or name.
        token: names the version that a rotation makes (ClientRequestToken). It stays the same
            when Secrets Manager calls the function again for a rotation that was cut off.
    """

    client: Client
    id: str
    token: str = ""

    def current(self) -> SealedPassword | None:
        """The value in use."""
        return self._password(VersionStage="AWSCURRENT")

    def pending(self) -> SealedPassword | None:
        """The value this rotation is to bring into use, until it has."""
        if not self.token or "AWSPENDING" not in self.stages().get(self.token, []):
            return None
        return self._password(VersionId=self.token)

    def untried(self) -> bool:
        """Whether this is no rotation: Secrets Manager made a version to try a schedule with.

        That one is pending, and holds nothing (RotateSecret, "RotateImmediately").
        """
        return "AWSPENDING" in self.stages().get(self.token, []) and self.pending() is None

    def finished(self) -> bool:
        """Whether this rotation is over: Secrets Manager may call once more all the same."""
        return "AWSCURRENT" in self.stages().get(self.token, [])

    def begin(self) -> SealedPassword:
        """The pending value, a new random one unless this rotation made one before."""
        pending = self.pending()
        if pending is not None:
            return pending
        self._refuse_without_token()
        entries = self._entries(VersionStage="AWSCURRENT") or {}
        password = SealedPassword(random_password(), datetime.now(UTC))
        try:
            self.client.put_secret_value(
                SecretId=self.id,
                ClientRequestToken=self.token,
                SecretString=json.dumps({**entries, "password": password.value}),
                VersionStages=["AWSPENDING"],
            )
        except Exception as error:
            # Another call was quicker with this version; its password is the one that counts.
            pending = self.pending() if called(error, "ResourceExistsException") else None
            if pending is None:
                raise
            return pending
        return password

    def rotate(self) -> str:
        """Have Secrets Manager begin a rotation; returns the version it makes."""
        return str(self.client.rotate_secret(SecretId=self.id).get("VersionId", ""))

    def finish(self) -> SealedPassword:
        """Move AWSCURRENT to the pending value; Secrets Manager keeps the one before by itself."""
        self._refuse_without_token()
        stages = self.stages()
        before = next((one for one, held in stages.items() if "AWSCURRENT" in held), None)
        if before != self.token:
            move = {"RemoveFromVersionId": before} if before else {}
            self.client.update_secret_version_stage(
                SecretId=self.id, VersionStage="AWSCURRENT", MoveToVersionId=self.token, **move
            )
        if "AWSPENDING" in stages.get(self.token, []):
            self.client.update_secret_version_stage(
                SecretId=self.id, VersionStage="AWSPENDING", RemoveFromVersionId=self.token
            )
        current = self.current()
        if current is None:
            raise StrongroomError(
                f"The secret {self.id} has no current value after its rotation. Root keeps the "
                f"password of version {self.token}; move the stage AWSCURRENT there."
            )
        return current

    def _refuse_without_token(self) -> None:
        if not self.token:
            raise StrongroomError(
                f"The secret {self.id} was opened for reading, and rotating it takes the token of "
                "a rotation, so nothing was changed. Ask Secrets Manager to rotate it."
            )

    def stages(self) -> dict[str, list[str]]:
        """By version the stages it has."""
        found = self.client.describe_secret(SecretId=self.id)
        return dict(found.get("VersionIdsToStages", {}))

    def _password(self, **version: str) -> SealedPassword | None:
        answer = self._answer(**version)
        entries = _entries(answer)
        if answer is None or not isinstance(entries.get("password"), str):
            return None
        return SealedPassword(entries["password"], answer["CreatedDate"])

    def _entries(self, **version: str) -> dict[str, Any]:
        return _entries(self._answer(**version))

    def _answer(self, **version: str) -> dict[str, Any] | None:
        try:
            return self.client.get_secret_value(SecretId=self.id, **version)
        except Exception as error:
            if called(error, "ResourceNotFoundException"):
                return None
            raise


def called(error: Exception, name: str) -> bool:
    """Whether an error of boto3's has a name: it makes its classes at run time, for each client."""
    return type(error).__name__ == name


def _entries(answer: dict[str, Any] | None) -> dict[str, Any]:
    try:
        entries = json.loads((answer or {}).get("SecretString", ""))
    except ValueError:
        return {}
    return entries if isinstance(entries, dict) else {}
