"""The SQL by which root hands a server over: to read first, and to run once, before `pulumi up`."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from strongroom.adoption.outcome import OWNED, Handover
from strongroom.rights.model import PUBLIC, Grant, Shape
from strongroom.rights.putting_right import FUTURE, KINDS, by_default, identities, targets
from strongroom.tiers import APP_OWNER, FIXED_ROLES, PROVISIONER

_HEAD = """\
-- Hands database {} over: owners, and what is taken back because the roster has no words for it.
-- Read it, then let root run it there, once, before `pulumi up`. It is one transaction: all of
-- it or nothing.
"""


def statements(connection: psycopg.Connection[Any], handover: Handover) -> str:
    """A script for psql.

    Args:
        connection: to the server, in the transaction in which it was looked at; only asked for
            names as PostgreSQL writes them.
        handover: what to do.
    """
    title = " ".join(handover.snapshot.database.split())
    lines = [each.as_string(connection) for each in _all(connection, handover)]
    return "\n".join([_HEAD.format(title) + "BEGIN;", *(f"{line};" for line in lines), "COMMIT;\n"])


def _all(connection: psycopg.Connection[Any], handover: Handover) -> Iterator[sql.Composable]:
    powers = _powers(handover)
    for role in powers:
        yield sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE GRANTED BY {}").format(
            sql.Identifier(role), _giver(handover, role)
        )
    yield from _attributes(handover)
    yield from _owners(connection, handover)
    # What was granted on is taken back before what it was granted from.
    owners: list[sql.Composable] = []
    others: list[sql.Composable] = []
    for shape in handover.snapshot.shapes:
        for grant in handover.handed_over(shape):
            kept = handover.kept(shape, grant)
            if kept != grant:
                revoked = _revoked(connection, handover, shape, grant, kept)
                (owners if grant.grantor == handover.owner(shape) else others).extend(revoked)
    yield from (*others, *owners)
    yield from _memberships(handover)
    for role in reversed(powers):
        yield sql.SQL("REVOKE {} FROM CURRENT_USER GRANTED BY {}").format(
            sql.Identifier(role), _giver(handover, role)
        )


def _powers(handover: Handover) -> list[str]:
    """Whom a root that is no superuser has to act as: owners, and who granted something.

    The provisioner first: by it root manages the roles it has not made itself.
    """
    known = handover.snapshot.roles
    if handover.root not in known or "SUPERUSER" in known[handover.root].attributes:
        return []
    shapes = handover.snapshot.shapes
    acting = {shape.owner for shape in shapes}
    acting |= {grant.grantor for shape in shapes for grant in shape.grants}
    acting |= {one.grantor for one in handover.snapshot.memberships if not handover.stays(one)}
    others = (acting & known.keys()) - FIXED_ROLES
    return [PROVISIONER, *sorted(role for role in others if not handover.is_roots(role))]


def _giver(handover: Handover, role: str) -> sql.Composable:
    """In whose name root takes a role: its own where it may manage it, else the provisioner's."""
    root, known = handover.root, handover.snapshot.memberships
    own = any(one.group == role and one.member == root and one.admin for one in known)
    return sql.SQL("CURRENT_USER") if own or role == PROVISIONER else sql.Identifier(PROVISIONER)


def _attributes(handover: Handover) -> Iterator[sql.Composable]:
    for role, known in sorted(handover.snapshot.roles.items()):
        attributes = known.attributes
        if attributes and not handover.is_roots(role):
            no = sql.SQL(" ").join(sql.SQL(f"NO{each}") for each in sorted(attributes))
            yield sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), no)


def _owners(connection: psycopg.Connection[Any], handover: Handover) -> Iterator[sql.Composable]:
    elsewhere = set()
    for kind in ("schema", *OWNED):
        for shape in handover.snapshot.shapes:
            new = handover.owner(shape)
            if shape.kind == kind and new not in (shape.owner, handover.root):
                for name in identities(connection, shape.catalog, shape.ids):
                    alter = sql.SQL("ALTER {} {} OWNER TO {}")
                    yield alter.format(sql.SQL(KINDS[kind]), name, sql.Identifier(new))
        if kind == "schema":
            # Only a superuser gives something to who could not make it there.
            for schema in handover.schemas:
                yield sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(
                    sql.Identifier(schema), sql.Identifier(APP_OWNER)
                )
    for shape in handover.snapshot.shapes:
        if shape.owner in handover.placed and handover.owner(shape) == handover.root:
            elsewhere.add(shape.owner)
    for role in sorted(elsewhere):
        yield sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(role))


def _revoked(
    connection: psycopg.Connection[Any],
    handover: Handover,
    shape: Shape,
    grant: Grant,
    kept: Grant | None,
) -> Iterator[sql.Composable]:
    grantee = sql.SQL("PUBLIC") if grant.grantee == PUBLIC else sql.Identifier(grant.grantee)
    option = sql.SQL("GRANT OPTION FOR " if kept else "")
    if shape.kind in FUTURE:
        yield sql.SQL("{} REVOKE {}{} ON {} FROM {}").format(
            by_default(shape.owner, shape.schema),
            option,
            sql.SQL(grant.privilege),
            sql.SQL(FUTURE[shape.kind]),
            grantee,
        )
        return
    # A superuser revokes as the owner; what another granted, that one has to take back.
    other = grant.grantor not in ("", handover.owner(shape))
    if other:
        yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grant.grantor))
    for privilege, objects in targets(connection, shape, grant.privilege):
        yield sql.SQL("REVOKE {}{} ON {} FROM {} CASCADE").format(
            option, privilege, objects, grantee
        )
    if other:
        yield sql.SQL("RESET ROLE")


def _memberships(handover: Handover) -> Iterator[sql.Composable]:
    for one in handover.snapshot.memberships:
        if not handover.stays(one):
            yield sql.SQL("REVOKE {} FROM {} GRANTED BY {} CASCADE").format(
                *map(sql.Identifier, (one.group, one.member, one.grantor))
            )
    for role in sorted(handover.people):
        yield sql.SQL("ALTER ROLE {} PASSWORD NULL").format(sql.Identifier(role))
    known = handover.snapshot.memberships
    managed = {one.group for one in known if one.member == PROVISIONER and one.admin}
    for role in sorted(handover.placed - managed):
        # So that `pulumi up` can change the role.
        yield sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE").format(
            sql.Identifier(role), sql.Identifier(PROVISIONER)
        )
