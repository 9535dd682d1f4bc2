"""Sessions of people who lose rights: what a session has switched to outlives the membership.

Rights are looked up for every statement, but SET ROLE app_owner is not undone by taking the gate
away, so the session has to end.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from strongroom.errors import StrongroomError

#: For each group its members, and what membership lets them do.
Members = Mapping[str, Mapping[str, str]]

# Milliseconds to wait for a session to end.
_PATIENCE = 5000

# Whose a session is can be seen by everybody, and what kind it is only by who may end it.
_OPEN = """
SELECT DISTINCT usename::text FROM pg_catalog.pg_stat_activity
WHERE usename = ANY (%s) ORDER BY 1
"""
_END = """
SELECT pg_terminate_backend(pid, %s) FROM pg_catalog.pg_stat_activity
WHERE usename = %s
"""


def losers(before: Members, after: Members) -> list[str]:
    """Who reaches some group before and not after, sorted; through other groups as well."""
    had, has = _reach(before), _reach(after)
    return sorted(who for who, groups in had.items() if groups - has.get(who, set()))


def end_sessions(connection: psycopg.Connection[Any], people: Iterable[str]) -> list[str]:
    """End every session of some people; returns whose there were.

    It takes the rights of a role to end its sessions. Who manages roles lends them to itself for
    as long as that takes.

    Raises:
        StrongroomError: sessions go on.
    """
    found = [name for (name,) in connection.execute(_OPEN, [list(people)])]
    for name in found:
        try:
            with connection.transaction():
                own, me = sql.Identifier(name), sql.SQL("CURRENT_USER")
                lend = sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE").format(own, me)
                connection.execute(lend)
                connection.execute(_END, [_PATIENCE, name])
                connection.execute(sql.SQL("REVOKE {} FROM {} GRANTED BY {}").format(own, me, me))
        except psycopg.Error as error:
            raise StrongroomError(
                f"{name} has lost rights, and what open sessions of {name} have switched to would "
                f"outlive that, but they cannot be ended from here: {' '.join(str(error).split())}."
                f" Whoever made the role {name}, or root, has to end them."
            ) from error
    return found


def _reach(members: Members) -> dict[str, set[str]]:
    """For each member the groups it is in, directly or through others."""
    direct: dict[str, set[str]] = {}
    for group, entries in members.items():
        for member in entries:
            direct.setdefault(member, set()).add(group)

    def reached(member: str, seen: set[str]) -> set[str]:
        for group in direct.get(member, set()) - seen:
            seen.add(group)
            reached(group, seen)
        return seen

    return {member: reached(member, set()) for member in direct if member not in members}
