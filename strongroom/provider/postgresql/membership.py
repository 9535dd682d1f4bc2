"""Memberships between roles, each granted by somebody, with options of its own (16 and later)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.session import Work


@dataclass(frozen=True)
class Membership:
    """One grant of a role to a member.

    Attributes:
        role: what the member is in.
        grantor: who granted it; only this role, those who inherit it, or a superuser revokes it.
        admin: the member can grant the role on.
        inherit: the member has the role's rights without SET ROLE.
        set: the member can SET ROLE.
    """

    role: str
    grantor: str
    admin: bool
    inherit: bool
    set: bool


def ours(work: Work, role: str, member: str) -> Membership | None:
    """The grant of `role` to `member` that this session made or could have made."""
    rows = work.rows(query("membership"), {"role": role, "member": member})
    return Membership(role=role, **rows[0]) if rows else None


def grant(work: Work, roles: Iterable[str], member: str, **options: bool) -> None:
    """Make `member` a member of `roles`, or change options of the memberships there are.

    Args:
        work: the transaction.
        roles: what to be a member of, at least one.
        member: who.
        options: of admin, inherit and set; those left out are PostgreSQL's choice for a new
            membership and stay as they are in one that exists.
    """
    statement = sql.SQL("GRANT {} TO {}").format(_names(roles), sql.Identifier(member))
    if options:
        chosen = sql.SQL(", ").join(
            sql.SQL(f"{name.upper()} {'TRUE' if value else 'FALSE'}")
            for name, value in options.items()
            if name in ("admin", "inherit", "set")
        )
        statement += sql.SQL(" WITH {}").format(chosen)
    work.do(statement)


def revoke(work: Work, membership: Membership, member: str) -> None:
    """Take one grant of a membership back, and no other's."""
    work.do(
        sql.SQL("REVOKE {} FROM {} GRANTED BY {}").format(
            sql.Identifier(membership.role),
            sql.Identifier(member),
            sql.Identifier(membership.grantor),
        )
    )


@contextmanager
def lent(work: Work, roles: Iterable[str]) -> Iterator[None]:
    """Have the rights of `roles` for a while, where this session may give them to itself.

    Whoever is not a superuser changes an object only with its owner's rights. What cannot be
    lent is left to PostgreSQL to refuse. The memberships end as they were; when the work fails
    the transaction's rollback sees to that.
    """
    rows = work.rows(query("lendable"), {"roles": list(roles)})
    before = {row["role"]: ours(work, row["role"], row["member"]) for row in rows}
    for row in rows:
        grant(work, [row["role"]], row["member"], inherit=True, set=True)
    yield
    for row in rows:
        known, now = before[row["role"]], ours(work, row["role"], row["member"])
        if known and now and known.grantor == now.grantor:
            grant(work, [row["role"]], row["member"], inherit=known.inherit, set=known.set)
        elif now:
            revoke(work, now, row["member"])


def _names(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
