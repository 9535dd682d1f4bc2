"""A server whose root is like the master of an RDS instance: no superuser.

What RDS documents of its master: NOSUPERUSER CREATEROLE CREATEDB LOGIN, a member of
rds_superuser, owner of the databases it makes, with rds_iam to hand on; rdsadmin is the one
superuser, and its database lets nobody in. RDS lets its master create event triggers; stock
PostgreSQL asks for a superuser, so that is lent to it for exactly those statements (`LENT`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from strongroom.bootstrap.scram import random_password, verifier
from strongroom.cluster.certificates import Authority
from strongroom.cluster.cluster import Cluster
from strongroom.provider.local.common import renew_server_certificate
from strongroom.tiers import ROOT

#: The superuser that on RDS belongs to AWS.
ADMIN = "rdsadmin"

#: What RDS documents that its master may do, and PostgreSQL keeps for superusers.
LENT = ("CREATE EVENT TRIGGER",)

#: Makes a session take notice of an attribute its role was given meanwhile: a relation that is
#: locked for the first time in a transaction does.
NOTICE = "SELECT FROM pg_catalog.pg_language LIMIT 1"


@dataclass(frozen=True)
class Server:
    """The server.

    Attributes:
        cluster: its files and its process.
        master: the name of its master.
    """

    cluster: Cluster
    master: str = ROOT

    def make(
        self, authority: Authority, password: str, hba: str, settings: Mapping[str, str]
    ) -> None:
        """Make it and start it.

        Args:
            authority: signs the server's certificate.
            password: the master's first one.
            hba: the content of pg_hba.conf.
            settings: for postgresql.conf.
        """
        cluster, user = self.cluster, self.cluster.user
        cluster.prepare_folders()
        renew_server_certificate(cluster, authority)
        unused = cluster.directory / "initdb"
        user.write(unused, random_password())
        cluster.initialise(ADMIN, unused)
        unused.unlink()
        cluster.configure(settings)
        user.write(cluster.data / "pg_hba.conf", hba)
        cluster.remember()
        cluster.start()
        with self.superuser() as admin:
            admin.execute(_text("rds").format(master=sql.Identifier(self.master)))
            admin.execute(f"CREATE DATABASE {ADMIN}".encode())
            admin.execute(f"ALTER DATABASE {ADMIN} WITH ALLOW_CONNECTIONS false".encode())
        self.set_password(password)

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """RDS's own superuser, for what only RDS itself can do."""
        return psycopg.connect(
            host=str(self.cluster.socket),
            port=self.cluster.port,
            user=ADMIN,
            dbname=database,
            autocommit=True,
        )

    def set_password(self, password: str) -> None:
        """Give the master a password, as ModifyDBInstance does."""
        self._alter("PASSWORD {}", sql.Literal(verifier(password)))

    def by_iam_only(self) -> bool:
        """Whether RDS would refuse the master's password, because it is in rds_iam."""
        query = _text("by_iam").format(role=sql.Literal(self.master))
        with self.superuser() as admin:
            return admin.execute(query).fetchone() == (True,)

    def lend(self, superuser: bool) -> None:
        """Let the master do what RDS lets its master do, or no longer."""
        self._alter("SUPERUSER" if superuser else "NOSUPERUSER")

    def _alter(self, what: LiteralString, *values: sql.Composable) -> None:
        with self.superuser() as admin:
            statement = sql.SQL(what).format(*values)
            master = sql.Identifier(self.master)
            admin.execute(sql.SQL("ALTER ROLE {} ").format(master) + statement)


def is_lent(statement: str, lent: Iterable[str] = LENT) -> bool:
    """Whether the master may do this on RDS alone."""
    return any(what in statement for what in lent)


def _text(name: str) -> sql.SQL:
    text: Any = resources.files("rehearsal").joinpath(f"sql/{name}.sql").read_text()
    return sql.SQL(text)
