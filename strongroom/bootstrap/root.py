"""Acting as root on the local platform: through the Unix socket, with the sealed password."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from strongroom.bootstrap.scram import verifier
from strongroom.bootstrap.sealed import SealedFile, SealedPassword
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.tiers import ROOT


@dataclass(frozen=True)
class Root:
    """Root of one cluster, and the only code that knows how it signs in.

    Attributes:
        cluster: where it signs in.
        primary: what the cluster is a replica of, if it is one: its root has that one's password.
    """

    cluster: Cluster
    primary: Cluster | None = None

    @property
    def sealed(self) -> SealedFile:
        """Where the password is kept."""
        home = self.primary or self.cluster
        return SealedFile(home.directory / "sealed", home.user)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Sign in; every statement is its own transaction unless one is opened.

        Raises:
            StrongroomError: no sealed value works, or the server cannot be reached.
        """
        refused: psycopg.OperationalError | None = None
        for password in self.sealed.candidates():
            try:
                return self._sign_in(password, database)
            except psycopg.OperationalError as error:
                refused = error
                if "authentication failed" not in str(error):
                    break
        reason = " ".join(str(refused).split()) if refused else "no password is sealed"
        raise StrongroomError(
            f"Root cannot sign in to {self.cluster.directory.name}: {reason}. Nothing was "
            "changed. `pulumi up` seals a new password if that is the cause."
        ) from refused

    def locked_out(self) -> bool:
        """Whether a running server refuses every sealed value."""
        for password in self.sealed.candidates():
            try:
                self._sign_in(password, "postgres").close()
                return False
            except psycopg.OperationalError as error:
                if "authentication failed" not in str(error):
                    return False
        return True

    def rotate(self) -> datetime:
        """Give root a new random password; safe to be killed at any moment and run again.

        The four steps are those of a Secrets Manager rotation function: create, set, test,
        finish. The server gets a verifier, so neither its log nor its statistics see the value.

        Returns:
            when the new password came into use.
        """
        pending = self.sealed.begin()
        with self.connect() as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(ROOT), sql.Literal(verifier(pending.value))
                )
            )
        self._test(pending)
        return self.sealed.finish().since

    def repair(self) -> None:
        """Seal a new password when none works any more; stops the server for a moment.

        Single-user mode is PostgreSQL's own way back in: it needs the data folder, not a
        password (PostgreSQL documentation, `postgres`, "Options for Single-User Mode").
        """
        pending = self.sealed.begin()
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {};\n").format(
            sql.Identifier(ROOT), sql.Literal(verifier(pending.value))
        )
        postgres = self.cluster.package.tool("postgres")
        self.cluster.stop()
        self.cluster.user.run(
            *(postgres, "--single", "-D", self.cluster.data, "-c", "logging_collector=off"),
            *("-c", "log_destination=stderr", "postgres"),
            given=statement.as_string(),
        )
        self.sealed.finish()
        self.cluster.start()

    def _test(self, password: SealedPassword) -> None:
        self._sign_in(password, "postgres").close()

    def _sign_in(self, password: SealedPassword, database: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            host=str(self.cluster.socket),
            port=self.cluster.port,
            user=ROOT,
            password=password.value,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
            application_name="strongroom",
        )
        with suppress(psycopg.Error):
            # A superuser's own waiting must not queue in front of the application either.
            connection.execute("SET lock_timeout = '10s'")
        return connection
