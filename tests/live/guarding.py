"""Trying a statement against the guards, and undoing whatever it did."""

import psycopg

from tests.live.conftest import Session


def tried(cast: Session, statement: str, confirm: str = "") -> psycopg.Error | None:
    """How the statement was refused; None when it was not. Whatever it did is undone.

    Args:
        cast: a session in a transaction.
        statement: what is tried.
        confirm: what the session names first.
    """
    try:
        with cast.transaction(force_rollback=True):
            if confirm:
                cast.execute("SELECT set_config('strongroom.confirm', %s, true)", [confirm])
            cast.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        return error
    return None
