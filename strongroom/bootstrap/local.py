"""Root on the local platform: through the Unix socket, with the sealed password."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from strongroom.bootstrap.root import Root
from strongroom.bootstrap.scram import verifier
from strongroom.bootstrap.sealed import SealedFile
from strongroom.cluster.cluster import Cluster
from strongroom.tiers import ROOT


@dataclass(frozen=True)
class LocalRoot(Root):
    """The superuser of one cluster.

    Attributes:
        cluster: where it signs in.
        primary: what the cluster is a replica of, if it is one: its root has that one's password.
    """

    cluster: Cluster
    primary: Cluster | None = None

    @property
    def where(self) -> str:
        """The cluster's name."""
        return self.cluster.directory.name

    @property
    def afresh(self) -> str:
        """How to start anew."""
        return (
            f"stop the server, move {self.cluster.directory} away, take the primary out of the "
            "engine's state (`pulumi state delete --target-dependents --force URN`) and run "
            "`pulumi up`"
        )

    @property
    def sealed(self) -> SealedFile:
        """The file of the primary; a replica's root has the same password."""
        home = self.primary or self.cluster
        return SealedFile(home.directory / "sealed", home.user)

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

    def _parameters(self) -> dict[str, Any]:
        return {"host": str(self.cluster.socket), "port": self.cluster.port, "user": ROOT}
