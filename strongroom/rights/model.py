"""What a right is: a privilege, on an area, that a role has through somebody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Privileges as people read them: from looking to owning.
_ORDER = (
    *("CONNECT", "USAGE", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "MAINTAIN"),
    *("EXECUTE", "REFERENCES", "TRIGGER", "CREATE", "TEMPORARY", "SET", "ALTER SYSTEM", "OWNER"),
)

#: The application's database itself, as an area.
DATABASE = "the database"
#: The server, on which predefined roles such as pg_monitor give rights that stand in no ACL.
SERVER = "the server"


@dataclass(frozen=True, order=True)
class Held:
    """One effective right of one role.

    Attributes:
        area: what it is on: ``the database``, ``schema app``, ``tables in app``, ``sequences in
            app``, ``routines in app``.
        privilege: PostgreSQL's name of the privilege; OWNER for what only an owner may do.
        through: whose right it is: a group, or the role itself.
        after_set_role: whether the role has to ``SET ROLE`` to `through` first.
    """

    area: str
    privilege: str
    through: str
    after_set_role: bool = False

    @property
    def switch(self) -> str:
        """What the role has to do before it has the right; empty when nothing."""
        return f"after SET ROLE {self.through}" if self.after_set_role else ""


def in_order(privileges: Iterable[str]) -> list[str]:
    """Privileges as people read them: from looking to owning, each once."""
    known = {privilege: place for place, privilege in enumerate(_ORDER)}
    return sorted(set(privileges), key=lambda each: (known.get(each, len(known)), each))


#: Everybody, as a grantee. No role can be called this.
PUBLIC = ""

#: What an owner can do beyond every privilege: drop, change and give away.
OWNER = "OWNER"


def shown(role: str) -> str:
    """A grantee as people read it."""
    return role or "PUBLIC"


@dataclass(frozen=True)
class Role:
    """A role as the catalogs have it.

    Attributes:
        name: its name.
        login: whether it may sign in.
        attributes: what else it may by itself, such as SUPERUSER or CREATEDB; never inherited.
    """

    name: str
    login: bool
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Membership:
    """That `member` is in `group`, by a grant of `grantor`.

    Attributes:
        inherit: the member has the group's rights.
        settable: the member may SET ROLE to the group.
        admin: the member may take anybody into the group, itself with any option too.
    """

    group: str
    member: str
    grantor: str
    inherit: bool
    settable: bool
    admin: bool


@dataclass(frozen=True)
class Grant:
    """One privilege of one grantee; `grantor` is empty for what PostgreSQL gives by itself."""

    grantee: str
    grantor: str
    privilege: str
    grantable: bool = False


@dataclass(frozen=True, eq=False)
class Shape:
    """Objects of one kind, schema and owner on which everybody has the same rights.

    Attributes:
        kind: ``database``, ``schema``, ``table`` (views and the like too), ``column``,
            ``sequence``, ``routine``, ``type``, ``language``, ``large object``, … and ``future
            table`` and its like for default privileges.
        schema: the schema they lie in, if they do.
        owner: who owns them.
        trait: what else matters: ``SECURITY DEFINER``, ``row security``, or ``this`` for the
            database that was looked into.
        extension: the extension they belong to, if they do.
        names: their names without the schema, sorted; a column's is ``table.column``.
        grants: every privilege, ownership and what predefined roles lend included.
        ids: their OIDs, in the order of the names; a column has its table's.
        catalog: the OID of the catalog they are in.
    """

    kind: str
    schema: str | None
    owner: str
    trait: str | None
    extension: str | None
    names: tuple[str, ...]
    grants: tuple[Grant, ...]
    ids: tuple[int, ...] = ()
    catalog: int = 0

    @property
    def area(self) -> str:
        """The area they are part of, as `Held` names it."""
        plural = "tables" if self.kind == "column" else f"{self.kind}s"
        if self.extension:
            return f"extension {self.extension}"
        if self.kind == "schema":
            return f"schema {self.names[0]}"
        if self.kind == "server":
            return SERVER
        if self.kind == "database":
            return DATABASE if self.trait == "this" else f"database {self.names[0]}"
        return f"{plural} in {self.schema}" if self.schema else plural

    @property
    def full_names(self) -> tuple[str, ...]:
        """Their names with the schema, as SQL writes them without quotes."""
        return tuple(f"{self.schema}.{name}" if self.schema else name for name in self.names)


@dataclass(frozen=True)
class Snapshot:
    """Who may do what in one database and on its server, at one instant.

    Attributes:
        database: the database that was looked into.
        roles: every role by name.
        memberships: every membership.
        shapes: every object that somebody could have a right on, alike ones together.
    """

    database: str
    roles: Mapping[str, Role]
    memberships: tuple[Membership, ...]
    shapes: tuple[Shape, ...]
