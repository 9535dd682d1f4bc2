"""The rights of another role, which root has for one transaction and nobody sees it have."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql


@contextmanager
def borrowed(session: psycopg.Connection[Any], role: str) -> Iterator[None]:
    """Have the rights of a role within a block, which is a transaction, or a part of one.

    A superuser has them anyway. The master of an RDS instance, who is none, takes them as who may
    manage the role, and must not keep them: RDS takes whoever is in rds_iam, also through another
    role, by IAM only, so that root's password would open nothing. They are given back before the
    transaction commits; a failure or a kill ends it, and with it what was taken.

    Args:
        session: root's.
        role: a role that root may manage, by having made it or by a role it has the rights of.

    Raises:
        psycopg.Error: root may not manage the role.
    """
    with session.transaction():
        query = "SELECT pg_has_role(%s, 'USAGE') AND pg_has_role(%s, 'SET')"
        if session.execute(query, [role, role]).fetchone() == (True,):
            yield
            return
        name = sql.Identifier(role)
        take = sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(name)
        session.execute(take)
        yield
        query = (
            "SELECT pg_get_userbyid(grantor)::text FROM pg_auth_members "
            "WHERE pg_get_userbyid(roleid) = %s AND pg_get_userbyid(member) = current_user "
            "AND set_option AND NOT admin_option"
        )
        for (grantor,) in session.execute(query, [role]).fetchall():
            give_back = sql.SQL("REVOKE {} FROM CURRENT_USER GRANTED BY {}")
            session.execute(give_back.format(name, sql.Identifier(grantor)))
