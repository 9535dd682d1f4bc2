"""A server whose root is like the master of an RDS instance: no superuser.

What RDS documents of its master: NOSUPERUSER CREATEROLE CREATEDB LOGIN, a member of
rds_superuser, owner of the databases it makes, with rds_iam to hand on; rdsadmin is the one
superuser, and its database lets nobody in. RDS lets its master create event triggers and the
extensions it offers; stock PostgreSQL asks for a superuser, so this platform lends that for
exactly those statements.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from strongroom.bootstrap.master import MasterRoot
from strongroom.bootstrap.sealed import SealedFile, SealedPassword
from strongroom.bootstrap.steps import Foundation, audit, bootstrap
from strongroom.cluster import package
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.port import free_port
from strongroom.cluster.system_user import SystemUser
from strongroom.provider.local.common import kept_servers, renew_server_certificate
from tests.live.local_stack import SMALL, LocalStack

_HBA = """\
local   all  rdsadmin                trust
hostssl all  root      127.0.0.1/32  scram-sha-256
hostssl all  rdsadmin  127.0.0.1/32  reject
hostssl all  all       127.0.0.1/32  cert
"""

_RDS = """
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
GRANT SET ON PARAMETER log_statement, session_replication_role TO rds_superuser;
CREATE ROLE root LOGIN NOSUPERUSER CREATEROLE CREATEDB;
GRANT rds_superuser TO root;
GRANT rds_iam TO root WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
ALTER DATABASE postgres OWNER TO root;
ALTER DATABASE template1 OWNER TO root;
CREATE DATABASE rdsadmin;
ALTER DATABASE rdsadmin WITH ALLOW_CONNECTIONS false;
"""


#: What RDS documents that its master may do, and PostgreSQL keeps for superusers.
_LENT = ("CREATE EVENT TRIGGER", "CREATE EXTENSION")


@dataclass(frozen=True)
class RdsMaster(MasterRoot):
    """The master, with what RDS allows it and PostgreSQL does not."""

    lend: Callable[[bool], None] = field(default=lambda _: None)

    def sign_in(
        self, password: SealedPassword, database: str = "postgres"
    ) -> psycopg.Connection[Any]:
        connection = super().sign_in(password, database)
        execute = connection.execute

        def lending(query: Any, *arguments: Any, **options: Any) -> Any:
            text = query if isinstance(query, str) else getattr(query, "as_string", str)()
            if not any(what in text for what in _LENT):
                return execute(query, *arguments, **options)
            with self._lent(execute):
                return execute(query, *arguments, **options)

        connection.execute = lending  # type: ignore[method-assign]
        return connection

    @contextmanager
    def _lent(self, execute: Callable[[str], Any]) -> Iterator[None]:
        self.lend(True)
        try:
            # A relation it has not locked yet makes the session take notice of its new attribute.
            execute("SELECT FROM pg_catalog.pg_language LIMIT 1")
            yield
        finally:
            self.lend(False)


class MasterPrimary:
    """What a function of Strongroom does on AWS, by the words of a primary of the local stack."""

    def __init__(self, stack: "MasterStack") -> None:
        self.stack = stack
        self.wanted = Foundation("app", ("app",), "production", replicator=False)

    def up(self, **changes: Any) -> None:
        if "guarded_schemas" in changes:
            changes["guarded"] = tuple(changes.pop("guarded_schemas"))
        self.wanted = replace(self.wanted, **changes)
        bootstrap(self.stack.master, self.wanted)

    def refresh(self) -> list[str]:
        return audit(self.stack.master, self.wanted)


class MasterStack(LocalStack):
    """A stack whose root is the master."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.primary = MasterPrimary(self)  # type: ignore[assignment]

    @property
    def sealed(self) -> SealedFile:
        return SealedFile(self.folder / "primary" / "sealed", SystemUser.for_clusters())

    @property
    def master(self) -> RdsMaster:
        trusted = self.paths.authority.certificate
        return RdsMaster("127.0.0.1", self.cluster.port, trusted, self.sealed, lend=self._lend)

    def make(self, **inputs: Any) -> "MasterStack":
        server = package.at_hand(kept_servers(), "")
        directory = self.folder / "primary"
        port = free_port(str(directory).encode())
        cluster = Cluster(directory, port, server, SystemUser.for_clusters())
        cluster.prepare_folders()
        self.paths.authority.create(SystemUser.current(), self.folder.name)
        renew_server_certificate(cluster, self.paths.authority)
        secret = self.sealed.begin()
        cluster.user.write(directory / "sealed" / "initdb", "unused by anybody, trusted by socket")
        cluster.initialise("rdsadmin", directory / "sealed" / "initdb")
        cluster.configure(SMALL)
        cluster.user.write(cluster.data / "pg_hba.conf", _HBA)
        cluster.remember()
        cluster.start()
        with self.superuser() as admin:
            for statement in _RDS.strip().split(";\n"):
                admin.execute(statement.encode())
            admin.execute(f"ALTER ROLE root PASSWORD '{secret.value}'".encode())
        self.sealed.finish()
        self.primary.up(**inputs)
        return self

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """RDS's own superuser, for what only RDS itself can do."""
        return psycopg.connect(
            host=str(self.cluster.socket),
            port=self.cluster.port,
            user="rdsadmin",
            dbname=database,
            autocommit=True,
        )

    def root(self, database: str = "app") -> psycopg.Connection[Any]:
        return self.master.connect(database)

    def _lend(self, superuser: bool) -> None:
        with self.superuser() as admin:
            admin.execute(f"ALTER ROLE root {'SUPERUSER' if superuser else 'NOSUPERUSER'}")
