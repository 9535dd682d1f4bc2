"""Look into the catalogs: one snapshot of every role, membership and right, changing nothing.

Read in one REPEATABLE READ, READ ONLY transaction, so that it is one instant, by three queries.
Any role may read these catalogs; what lies inside other databases cannot be seen from here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg

from strongroom import reach
from strongroom.errors import StrongroomError
from strongroom.rights.model import OWNER, PUBLIC, Grant, Membership, Role, Shape, Snapshot

#: What predefined roles may do without being granted it, by kind of object (PostgreSQL
#: documentation, "Predefined Roles"; pg_class_aclmask and pg_namespace_aclmask in aclchk.c).
_PREDEFINED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "table": (
        ("pg_read_all_data", "SELECT"),
        *(("pg_write_all_data", privilege) for privilege in ("INSERT", "UPDATE", "DELETE")),
        ("pg_maintain", "MAINTAIN"),
    ),
    "sequence": (("pg_read_all_data", "SELECT"), ("pg_write_all_data", "UPDATE")),
    "schema": (("pg_read_all_data", "USAGE"), ("pg_write_all_data", "USAGE")),
}

#: Kinds whose names are areas of their own, so that each is a shape of its own.
_APART = ("database", "schema")

#: Kinds that nobody owns.
_OWNERLESS = ("parameter", "column")


def inspect(parameters: Mapping[str, str]) -> Snapshot:
    """Sign in and look.

    Args:
        parameters: how to connect, as `reach.connect` takes it; any role can look.

    Raises:
        StrongroomError: the server does not answer, or not in time.
    """
    try:
        with reach.connect(
            parameters, application_name="strongroom", connect_timeout=10
        ) as connection:
            return snapshot(connection)
    except psycopg.Error as error:
        raise StrongroomError(
            f"The rights could not be looked at: {' '.join(str(error).split())}. Nothing was "
            "changed. If the server is stopped, `pulumi up` starts it."
        ) from error


def snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """Look by an open connection that is not in a transaction."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        return _read(connection)
    finally:
        connection.execute("ROLLBACK")


def seen_within(connection: psycopg.Connection[Any]) -> Snapshot:
    """Look by a connection in a transaction of its own, at what that has done as well."""
    return _read(connection)


def _read(connection: psycopg.Connection[Any]) -> Snapshot:
    names = {0: PUBLIC}
    roles = {}
    for oid, name, login, attributes in connection.execute(_text("roles")):
        names[oid] = name
        roles[name] = Role(name, login, frozenset(attributes))
    named = _Named(names)
    memberships = tuple(
        Membership(named[group], named[member], named[grantor], *options)
        for group, member, grantor, *options in connection.execute(_text("memberships"))
    )
    shapes = [_predefined(roles), *_shapes(connection.execute(_text("shapes")), named)]
    return Snapshot(connection.info.dbname, roles, memberships, tuple(shapes))


class _Named(dict[int, str]):
    """Names of roles by OID; one that was dropped and left something behind is told as such."""

    def __missing__(self, oid: int) -> str:
        return f"the dropped role {oid}"


def _shapes(rows: Iterable[Any], named: Mapping[int, str]) -> Iterator[Shape]:
    for kind, schema, owner, trait, extension, names, ids, catalog, granted in rows:
        grants = [
            Grant(named[grantee], named[grantor], privilege, grantable)
            for grantee, grantor, privilege, grantable in granted or ()
        ]
        if kind.startswith("future "):
            # A default without a schema holds what its owner keeps, which is no news.
            grants = [grant for grant in grants if grant.grantee != named[owner]]
        elif kind not in _OWNERLESS:
            grants.append(Grant(named[owner], "", OWNER))
        grants += [Grant(role, "", given) for role, given in _PREDEFINED.get(kind, ())]
        objects = sorted(zip(names, ids, strict=True))
        for alike in [[each] for each in objects] if kind in _APART else [objects]:
            told, oids = zip(*alike, strict=True)
            yield Shape(
                *(kind, schema, named[owner], trait, extension, told, tuple(grants), oids, catalog)
            )


def _predefined(roles: Iterable[str]) -> Shape:
    """The server itself: what a role may do there that stands in no ACL comes with a pg_ role."""
    grants = tuple(Grant(role, "", role) for role in roles if is_system(role))
    return Shape("server", None, "", None, None, ("the server",), grants)


def is_system(role: str) -> bool:
    """Whether a role is PostgreSQL's own, or RDS's."""
    return role.startswith(("pg_", "rds"))


def by_area(shapes: Iterable[Shape]) -> dict[str, list[Shape]]:
    """Shapes by the area they are part of."""
    found = defaultdict(list)
    for shape in shapes:
        found[shape.area].append(shape)
    return dict(found)


def _text(name: str) -> LiteralString:
    text: Any = resources.files("strongroom.rights").joinpath(f"sql/{name}.sql").read_text()
    return cast("LiteralString", text)
