"""A stack whose root is like the master of an RDS instance: no superuser (`rehearsal.master`)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from rehearsal.master import LENT, NOTICE, Server, is_lent
from strongroom.bootstrap.master import MasterRoot
from strongroom.bootstrap.sealed import SealedFile, SealedPassword
from strongroom.bootstrap.steps import Foundation, audit, bootstrap
from strongroom.cluster import package
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.port import free_port
from strongroom.cluster.system_user import SystemUser
from strongroom.provider.local.common import kept_servers
from strongroom.tiers import ROOT
from tests.live.local_stack import SMALL, LocalStack

_HBA = """\
local   all  rdsadmin                trust
hostssl all  "{master}"  127.0.0.1/32  scram-sha-256
hostssl all  rdsadmin  127.0.0.1/32  reject
hostssl all  all       127.0.0.1/32  cert
"""

#: RDS lets its master have the extensions it offers, too; `rehearsal.offered` has them trusted.
_LENT = (*LENT, "CREATE EXTENSION")


@dataclass(frozen=True)
class RdsMaster(MasterRoot):
    """The master, with what RDS allows it and PostgreSQL does not, and what RDS refuses it."""

    server: Server | None = None

    def sign_in(
        self, password: SealedPassword, database: str = "postgres"
    ) -> psycopg.Connection[Any]:
        server = self.server
        if server is None:
            return super().sign_in(password, database)
        if server.by_iam_only():
            said = f'FATAL:  PAM authentication failed for user "{self.name}"'
            raise psycopg.OperationalError(said)
        connection = super().sign_in(password, database)
        execute = connection.execute

        def lending(query: Any, *arguments: Any, **options: Any) -> Any:
            text = query if isinstance(query, str) else getattr(query, "as_string", str)()
            if not is_lent(text, _LENT):
                return execute(query, *arguments, **options)
            with _lent(server, execute):
                return execute(query, *arguments, **options)

        connection.execute = lending  # type: ignore[method-assign]
        return connection


@contextmanager
def _lent(server: Server, execute: Callable[[str], Any]) -> Iterator[None]:
    server.lend(True)
    try:
        execute(NOTICE)
        yield
    finally:
        server.lend(False)


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
    """A stack whose root is the master, called as RDS was told."""

    def __init__(self, home: Path, name: str = ROOT) -> None:
        super().__init__(home)
        self.name = name
        self.primary = MasterPrimary(self)  # type: ignore[assignment]

    @property
    def sealed(self) -> SealedFile:
        return SealedFile(self.folder / "primary" / "sealed", SystemUser.for_clusters())

    @property
    def master(self) -> RdsMaster:
        trusted = self.paths.authority.certificate
        port = self.cluster.port
        return RdsMaster("127.0.0.1", port, trusted, self.sealed, self.name, server=self.server)

    def make(self, **inputs: Any) -> "MasterStack":
        server = package.at_hand(kept_servers(), "")
        directory = self.folder / "primary"
        port = free_port(str(directory).encode())
        cluster = Cluster(directory, port, server, SystemUser.for_clusters())
        self.paths.authority.create(SystemUser.current(), self.folder.name)
        secret = self.sealed.begin()
        hba = _HBA.format(master=self.name)
        Server(cluster, self.name).make(self.paths.authority, secret.value, hba, SMALL)
        self.sealed.finish()
        self.primary.up(**inputs)
        return self

    @property
    def server(self) -> Server:
        return Server(self.cluster, self.name)

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """RDS's own superuser, for what only RDS itself can do."""
        return self.server.superuser(database)

    def root(self, database: str = "app") -> psycopg.Connection[Any]:
        return self.master.connect(database)

    def _lend(self, superuser: bool) -> None:
        self.server.lend(superuser)
