"""Root itself, for one person and a while: the one moment root's password is read by somebody."""

from collections.abc import Sequence
from typing import Any

import psycopg

from strongroom.bootstrap.local import LocalRoot
from strongroom.breakglass.glass import Glass
from strongroom.errors import StrongroomError
from strongroom.tiers import ROOT

# Milliseconds to wait for a session to end.
_PATIENCE = 5000


def refuse_impossible(root: LocalRoot) -> None:
    """Raise `StrongroomError` when root cannot sign in."""
    root.connect().close()


def hand_over(root: LocalRoot, glass: Glass, database: str) -> dict[str, str]:
    """Libpq's parameters for signing in as root: through the socket, with the sealed password.

    The password goes into the environment of one psql and nowhere else.

    Args:
        root: whose password it is.
        glass: what was asked for; the server's log shows it beside everything the session does.
        database: the application's; ``postgres`` in its place when it cannot be entered.
    """
    password = root.opening()
    if password is None:
        raise StrongroomError(
            f"No sealed password opens {root.where} as root, so nothing can be handed over. "
            "`pulumi up` seals a new one."
        )
    return {
        "host": str(root.cluster.socket),
        "port": str(root.cluster.port),
        "user": ROOT,
        "password": password.value,
        "dbname": database if _can_enter(root, database) else "postgres",
        "application_name": glass.application_name,
    }


def end_sessions(
    session: psycopg.Connection[Any], *, of: str | None = None, sparing: Sequence[str] = ()
) -> None:
    """End root's sessions.

    Whoever was root could have called a session what they liked, so at the end all of them go,
    also Strongroom's own: a preview that was looking has to look again.

    Args:
        session: root's, which stays.
        of: the id of a break-glass to end the sessions of; None for all.
        sparing: ids of break-glasses that go on.
    """
    session.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity "
        "WHERE usename = current_user AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend' "
        "AND (%s::text IS NULL OR right(application_name, length(%s::text)) = %s) "
        "AND right(application_name, 8) <> ALL (%s)",
        [_PATIENCE, of, of, of, list(sparing)],
    )


def _can_enter(root: LocalRoot, database: str) -> bool:
    try:
        root.connect(database).close()
    except StrongroomError:
        return False
    return True
