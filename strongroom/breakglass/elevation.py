"""The rights of a senior, lent to one person's own role.

The role becomes a member of the same groups as a senior's, by grants of the provisioner, as if the
roster said so. `pulumi up` knows only the roster: if it runs meanwhile, it takes the membership
out as a stranger's, and the break-glass ends early. What the person makes meanwhile stays, and
belongs to app_owner as with any senior.
"""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from strongroom.breakglass.glass import Glass
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.errors import StrongroomError
from strongroom.people import Member
from strongroom.rights.rules import memberships
from strongroom.tiers import GROUPS, PROVISIONER, Tier

# Milliseconds to wait for a session to end.
_PATIENCE = 5000


def refuse_impossible(folder: StackFolder, glass: Glass, database: str) -> None:
    """Raise `StrongroomError` when there is nothing the rights could be lent in, or nobody."""
    with _provisioner(folder, database) as session:
        row = session.execute("SELECT to_regrole(quote_ident(%s)) IS NULL", [glass.who]).fetchone()
    if row != (False,):
        raise StrongroomError(
            f"{glass.who} is in the roster, but has no role in the database yet, so there is "
            "nothing to raise. `pulumi up` makes the role."
        )


def lend(folder: StackFolder, glass: Glass, database: str) -> None:
    """Make the person's role a member of a senior's groups."""
    with _provisioner(folder, database) as session, session.transaction():
        for group, option in _senior(glass.who).items():
            inherit, settable = (sql.Literal(option == name) for name in ("INHERIT", "SET"))
            session.execute(
                sql.SQL("GRANT {} TO {} WITH INHERIT {}, SET {}").format(
                    sql.Identifier(group), sql.Identifier(glass.who), inherit, settable
                )
            )


def take_back(session: psycopg.Connection[Any], glass: Glass, *, last: bool) -> None:
    """End the elevation.

    Every session of the person ends, also one from before: it may have SET ROLE app_owner in the
    meantime, which outlives the membership. What is not there any more is left alone, and so is
    what the roster gives by now: who was made a senior is no longer in the group of another tier.

    Args:
        session: root's; it needs no other database than ``postgres``.
        glass: what ends.
        last: whether no other elevation of the same person goes on. If one does, only the
            sessions of this one end.
    """
    if not last or _is_senior_by_roster(session, glass.who):
        session.execute(
            "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity "
            "WHERE usename = %s AND right(application_name, %s) = %s",
            [_PATIENCE, glass.who, len(glass.id), glass.id],
        )
        return
    for group in _held(session, glass.who) & set(_senior(glass.who)):
        session.execute(
            sql.SQL("REVOKE {} FROM {} GRANTED BY {}").format(
                *(sql.Identifier(name) for name in (group, glass.who, PROVISIONER))
            )
        )
    session.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE usename = %s",
        [_PATIENCE, glass.who],
    )


def _senior(who: str) -> dict[str, str]:
    """The groups a senior is in, and how."""
    groups = memberships([Member(who, who, Tier.SENIOR)], [])
    return {group: members[who] for group, members in groups.items() if who in members}


def _is_senior_by_roster(session: psycopg.Connection[Any], who: str) -> bool:
    lesser = {group.role for tier, group in GROUPS.items() if tier is not Tier.SENIOR}
    held = _held(session, who)
    return bool(held) and not held & lesser


def _held(session: psycopg.Connection[Any], who: str) -> set[str]:
    """The groups somebody is in by a grant of the provisioner."""
    query = (
        "SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members "
        "WHERE pg_get_userbyid(member) = %s AND pg_get_userbyid(grantor) = %s"
    )
    return {name for (name,) in session.execute(query, [who, PROVISIONER])}


def _provisioner(folder: StackFolder, database: str) -> psycopg.Connection[Any]:
    trusted = folder.authority.certificate
    parameters = sign_in(folder.primary, PROVISIONER, folder.provisioner, trusted, database)
    try:
        return psycopg.connect(
            make_conninfo(**parameters, application_name="strongroom"),
            autocommit=True,
            connect_timeout=10,
        )
    except psycopg.Error as error:
        raise StrongroomError(
            f"The provisioner cannot enter database {database} "
            f"({' '.join(str(error).split())}), so there is nothing to have a senior's rights in, "
            "and nothing was opened. If the database is gone, no tier can bring it back: --root "
            "can look, and recovery from the replica or a snapshot can."
        ) from error
