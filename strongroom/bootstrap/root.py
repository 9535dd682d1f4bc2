"""Acting as root, on whatever platform it is root of."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import psycopg

from strongroom import reach
from strongroom.bootstrap.sealed import SealedPassword, Store, candidates
from strongroom.errors import StrongroomError

_REFUSED = "password authentication failed"

#: What RDS says of a password where it takes IAM only.
_BY_IAM = "PAM authentication failed"


class Root(ABC):
    """Root of one server: the only code that knows how it signs in.

    Root is a superuser on the local platform and the master of an RDS instance, who is none. The
    bootstrap and the rotation are the same for both.
    """

    @property
    @abstractmethod
    def where(self) -> str:
        """What errors call the server."""

    @property
    @abstractmethod
    def afresh(self) -> str:
        """What a person does who wants an empty database in place of one that was lost."""

    @property
    @abstractmethod
    def sealed(self) -> Store:
        """Where the password is kept."""

    @abstractmethod
    def _parameters(self) -> dict[str, Any]:
        """Libpq's parameters for signing in, apart from database and password."""

    def sign_in(
        self, password: SealedPassword, database: str = "postgres"
    ) -> psycopg.Connection[Any]:
        """Sign in with one certain password.

        Raises:
            psycopg.OperationalError: it is refused, or the server cannot be reached.
        """
        connection = reach.connect(
            self._parameters(),
            password=password.value,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
            application_name="strongroom",
        )
        with suppress(psycopg.Error):
            # Root's own waiting must not queue in front of the application either.
            connection.execute("SET lock_timeout = '10s'")
        return connection

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Sign in; every statement is its own transaction unless one is opened.

        Raises:
            StrongroomError: no sealed value works, or the server cannot be reached.
        """
        refused: psycopg.OperationalError | None = None
        for password in candidates(self.sealed):
            try:
                return self.sign_in(password, database)
            except psycopg.OperationalError as error:
                refused = error
                if _REFUSED not in str(error):
                    break
        reason = " ".join(str(refused).split()) if refused else "no password is sealed"
        remedy = "`pulumi up` seals a new password if that is the cause."
        if _BY_IAM in reason:
            remedy = (
                "RDS takes whoever is in rds_iam by IAM only, also through another role, and no "
                "password helps. Take root out of it: REVOKE what put it there, signed in as who "
                "granted that; root itself signs in with a token until then."
            )
        raise StrongroomError(
            f"Root cannot sign in to {self.where}: {reason}. Nothing was changed. {remedy}"
        ) from refused

    def works(self, password: SealedPassword) -> bool:
        """Whether a password opens the server.

        Raises:
            psycopg.OperationalError: the server says neither yes nor no.
        """
        try:
            self.sign_in(password).close()
        except psycopg.OperationalError as error:
            if _REFUSED in str(error):
                return False
            raise
        return True

    def opening(self) -> SealedPassword | None:
        """The sealed password that opens the server; None when none does.

        Raises:
            psycopg.OperationalError: the server says neither yes nor no.
        """
        return next((each for each in candidates(self.sealed) if self.works(each)), None)

    def locked_out(self) -> bool:
        """Whether a server that answers refuses every sealed value."""
        try:
            return self.opening() is None
        except psycopg.OperationalError:
            return False
