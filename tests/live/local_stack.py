"""A stack of this machine for tests to use and to break, made by the resource handlers."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pydantic.alias_generators import to_camel

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.certificates import Authority, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.system_user import SystemUser
from strongroom.people import Member, Service
from strongroom.provider.local.primary import Primary
from strongroom.provider.local.replica import Replica
from strongroom.provider.local.root_secret import RootSecret
from strongroom.provider.resource import Context, Diff, Resource
from strongroom.tiers import APP_OWNER, GATE, GROUPS, PROVISIONER, Privilege, Tier
from tests.live.giving import give

#: Small, so that several servers share a machine with everything else on it.
SMALL = {"shared_buffers": "16MB", "max_connections": "40"}

MEMBERS = (
    Member("ada", "Ada Okonkwo", Tier.SENIOR),
    Member("chiara", "Chiara Lindqvist", Tier.MID),
    Member("dmitri", "Dmitri Sato", Tier.JUNIOR, {"app": frozenset({Privilege.EXECUTE})}),
    Member("esra", "Esra Novak", Tier.JUNIOR),
)
SERVICES = (
    Service("migrator", ddl=True),
    Service("web", {"app": frozenset({Privilege.SELECT, Privilege.INSERT, Privilege.UPDATE})}),
)

#: One person or service of each kind there is.
PEOPLE = {"senior": "ada", "mid": "chiara", "junior": "esra", "application": "web"}


@dataclass
class Managed:
    """One resource as the engine would lead it: checked, read first, compared, then changed."""

    resource: Resource[Any]
    name: str
    said: list[str] = field(default_factory=list)
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        urn = f"urn:pulumi:test::strongroom::{self.resource.token}::{self.name}"
        return Context(urn=urn, say=self._hear)

    def _hear(self, message: str, **_: bool) -> None:
        self.said.append(message)

    def checked(self, **inputs: Any) -> Any:
        named = {to_camel(name): value for name, value in inputs.items()}
        wanted = self.resource.Inputs.model_validate({**self.inputs, **named})
        return self.resource.check(self.context, wanted, self.inputs)

    def create(self, **inputs: Any) -> None:
        """What the engine does when its state knows nothing of the resource."""
        wanted = self.checked(**inputs)
        found = self.resource.create(self.context, wanted)
        self.id, self.state, self.inputs = found.id, found.outputs, wanted.dump()

    def preview(self, **inputs: Any) -> Diff:
        """The diff of a preview: from the state as it is read, to the inputs with changes."""
        self.refresh()
        return self.resource.diff(self.context, self.state, self.checked(**inputs))

    def up(self, **inputs: Any) -> Diff:
        """Apply the inputs of last time with some changes, if there is anything to do."""
        self.refresh()
        wanted = self.checked(**inputs)
        diff = self.resource.diff(self.context, self.state, wanted)
        if diff.updates:
            found = self.resource.update(self.context, self.id, self.state, wanted)
            self.state, self.inputs = found.outputs, wanted.dump()
        return diff

    def refresh(self) -> list[str]:
        """Read the resource; returns its drift."""
        found = self.resource.read(self.context, self.id, self.state)
        assert found is not None
        self.state = found.outputs
        return list(self.state.get("drift", []))

    def destroy(self) -> None:
        self.resource.delete(self.context, self.id, self.state)


class LocalStack:
    """A folder with a primary, and whatever else a test adds."""

    def __init__(self, home: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="s", dir=home))
        self.folder.chmod(0o755)
        self.primary = Managed(Primary(), "primary")

    @property
    def paths(self) -> StackFolder:
        return StackFolder(self.folder)

    @property
    def cluster(self) -> Cluster:
        return self.paths.primary

    @property
    def data(self) -> Path:
        return self.folder / "primary" / "data"

    def make(self, **inputs: Any) -> "LocalStack":
        """Make the primary, with an application schema under guard unless told otherwise."""
        directory = str(self.folder / "primary")
        settings = {**SMALL, **inputs.pop("settings", {})}
        defaults = {"database": "app", "guarded_schemas": ["app"], "directory": directory}
        self.primary.create(**{**defaults, "settings": settings, **inputs})
        return self

    def replica(self, name: str = "replica") -> Managed:
        return Managed(Replica(), name)

    def replica_inputs(self, name: str = "replica", **inputs: Any) -> dict[str, Any]:
        folders = {"directory": str(self.folder / name), "primary": str(self.folder / "primary")}
        return {**folders, "settings": SMALL, **inputs}

    def root_secret(self, **inputs: Any) -> Managed:
        secret = Managed(RootSecret(), "root")
        secret.create(directory=str(self.folder / "primary"), **inputs)
        return secret

    def root(self, database: str = "app") -> psycopg.Connection[Any]:
        return LocalRoot(self.cluster).connect(database)

    def superuser(self, database: str = "app") -> psycopg.Connection[Any]:
        """Whoever may do everything, which is root here."""
        return self.root(database)

    def pair(self, name: str, authority: Authority | None = None) -> KeyPair:
        """A fresh certificate for `name`, of this stack's authority or another's."""
        me = SystemUser.current()
        folder = me.folder(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder)))
        pair = KeyPair(folder / "client.crt", folder / "client.key")
        signer = authority or self.paths.authority
        signer.issue_client(pair, me, name, timedelta(hours=1))
        return pair

    def parameters(
        self, role: str, database: str = "app", pair: KeyPair | None = None
    ) -> dict[str, str]:
        """libpq parameters by which `role` signs in over TCP with a certificate."""
        trusted = self.paths.authority.certificate
        return sign_in(self.cluster, role, pair or self.pair(role), trusted, database)

    def sign_in(
        self, role: str, database: str = "app", pair: KeyPair | None = None, **changes: Any
    ) -> psycopg.Connection[Any]:
        """A session of `role` over TCP and TLS, in autocommit."""
        parameters: Mapping[str, Any] = {**self.parameters(role, database, pair), **changes}
        return psycopg.connect(**parameters, autocommit=True, connect_timeout=10)

    def server_log(self) -> str:
        """Everything the server has written to its logs."""
        files = sorted((self.folder / "primary" / "log").iterdir())
        return "".join(path.read_text(errors="replace") for path in files)


def apply_model(stack: LocalStack) -> None:
    """Declare roles and rights as the provisioner, by SQL, from the rules of the model.

    ``app.before`` exists before any right is given, ``app.after`` is made later by a senior.
    """
    with stack.sign_in(PROVISIONER) as session:
        for group in GROUPS.values():
            _run(session, "CREATE ROLE {} NOLOGIN", group.role)
        _run(session, "CREATE ROLE {} NOLOGIN NOINHERIT", GATE)
        for one in (*MEMBERS, *SERVICES):
            _run(session, "CREATE ROLE {} LOGIN", one.role)
        _run(session, "CREATE SCHEMA {}", "app")
        _run(session, "GRANT CREATE, USAGE ON SCHEMA {} TO {}", "app", APP_OWNER)
        _run(session, "SET ROLE {}", APP_OWNER)
        for statement in _TABLES:
            _run(session, statement, "before")
        session.execute("RESET ROLE")
        give(session, ("app",), MEMBERS, SERVICES)
    with stack.sign_in("ada") as session:
        _run(session, "SET ROLE {}", APP_OWNER)
        for statement in _TABLES:
            _run(session, statement, "after")
        session.execute(
            "CREATE FUNCTION app.report() RETURNS bigint LANGUAGE sql "
            "RETURN (SELECT count(*) FROM app.after)"
        )
    stack.primary.up()


def put_right(stack: LocalStack) -> None:
    """Let `up` repair what `read` found, and see that nothing is left to do."""
    diff = stack.primary.up()
    assert diff.updates == ("drift",)
    assert stack.primary.preview().updates == ()
    stack.sign_in("provisioner").close()


_TABLES = (
    "CREATE TABLE app.{} (id serial PRIMARY KEY, body text)",
    "INSERT INTO app.{} (body) SELECT 'row ' || n FROM generate_series(1, 100) AS n",
)


def _run(session: psycopg.Connection[Any], statement: str, *names: str) -> None:
    identifiers = (sql.Identifier(name) for name in names)
    session.execute(sql.SQL(statement).format(*identifiers))


def refusal(session: psycopg.Connection[Any], *statements: str, undo: bool = False) -> str:
    """Why PostgreSQL refuses one of the statements; empty when it takes them all.

    VACUUM and its like only warn when they may not do their work: that is a refusal too.

    Args:
        session: a session in autocommit.
        statements: run one after the other until one is refused.
        undo: roll back what they did; impossible for VACUUM, DROP DATABASE and their like.
    """
    warnings: list[str] = []

    def listen(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.message_primary or "")

    session.add_notice_handler(listen)
    try:
        with session.transaction(force_rollback=True) if undo else nullcontext():
            for statement in statements:
                session.execute(statement.encode())
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise  # the client's own complaint, no word of the server's
        return " ".join(str(error).split())
    finally:
        session.remove_notice_handler(listen)
    return "; ".join(warnings)


def is_root() -> bool:
    return os.geteuid() == 0
