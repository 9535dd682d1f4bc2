"""Root's password set through RDS's own API, which asks for no old one.

That is how root gets its first password, and how it gets back in when no sealed one opens the
instance, such as after a restore. Run again after a kill, it goes on with the password that is
sealed already.
"""

import uuid
from dataclasses import dataclass
from typing import Protocol

import psycopg
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from strongroom.bootstrap.master import MasterRoot
from strongroom.bootstrap.sealed import SealedPassword
from strongroom.bootstrap.secrets_manager import Secret, called
from strongroom.errors import StrongroomError

#: Seconds until a new password has to work: RDS sets it within a minute or two as a rule, and
#: Lambda ends a function after 900.
PATIENCE = 600.0

_BUSY = "InvalidDBInstanceStateFault"


class Instances(Protocol):
    """What is used of boto3's RDS client."""

    def modify_db_instance(self, **request: str | bool) -> object:
        """Change an instance."""


@dataclass(frozen=True)
class Resetting:
    """Another password for the master of one instance.

    Attributes:
        root: the master; its store is opened with `token`.
        instances: boto3's RDS client.
        instance: the instance's identifier.
        patience: seconds until the new password has to work.
        pause: seconds between two attempts.
    """

    root: MasterRoot
    instances: Instances
    instance: str
    patience: float = PATIENCE
    pause: float = 5.0

    def run(self) -> SealedPassword:
        """Seal a password, set it, wait until it opens the instance, and make it the current one.

        Returns:
            the password in use.

        Raises:
            StrongroomError: the instance took it not in time.
        """
        pending = self.root.sealed.begin()
        attempts = Retrying(
            retry=retry_if_result(lambda told: told != ""),
            stop=stop_after_delay(self.patience),
            wait=wait_fixed(self.pause),
        )
        setting = _Setting(self, pending)
        try:
            attempts(setting.attempt)
        except RetryError as error:
            raise StrongroomError(
                f"Root's new password was set for the instance {self.instance} and does not open "
                f"{self.root.where} after {self.patience:.0f} s: {error.last_attempt.result()}. It "
                "is sealed as the pending one and nothing is lost. See that the instance is "
                "available and that this function reaches it, and run `pulumi up` again."
            ) from None
        return self.root.sealed.finish()


class _Setting:
    """One password on its way into the instance."""

    def __init__(self, resetting: Resetting, password: SealedPassword) -> None:
        self._resetting = resetting
        self._password = password
        self._asked = False

    def attempt(self) -> str:
        """Why it does not open the instance yet; empty when it does."""
        try:
            if self._resetting.root.works(self._password):
                return ""
            told = "the password is refused"
        except psycopg.OperationalError as error:
            told = " ".join(str(error).split())
        if not self._asked:
            try:
                self._resetting.instances.modify_db_instance(
                    DBInstanceIdentifier=self._resetting.instance,
                    MasterUserPassword=self._password.value,
                    ApplyImmediately=True,
                )
                self._asked = True
            except Exception as error:
                # It is being made or changed, maybe by a call of this function that was cut off.
                if not called(error, _BUSY):
                    raise
                told = "the instance takes no change now"
        return told


def unfinished(secret: Secret) -> bool:
    """Whether root never got its first password: there is none, or it was cut off.

    The very first version of a secret is its current one at once, whatever stages are asked for
    (Secrets Manager, PutSecretValue), so that alone says nothing.
    """
    stages = secret.stages()
    first = stages.get(first_token(secret.id), [])
    return "AWSPENDING" in first or not any("AWSCURRENT" in held for held in stages.values())


def token(secret: Secret) -> str:
    """The version to go on with: one that waits, the very first, or a new one."""
    stages = secret.stages()
    waiting = next((version for version, held in stages.items() if "AWSPENDING" in held), None)
    return waiting or (str(uuid.uuid4()) if stages else first_token(secret.id))


def first_token(secret: str) -> str:
    """The version of the first password: the same for two calls at once, which then agree."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, secret))
