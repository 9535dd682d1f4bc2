"""What RDS offers beside PostgreSQL, and root lays where it is there: the heartbeat and records."""

from typing import Any

import psycopg
from psycopg import sql

from strongroom.bootstrap.borrowing import borrowed
from strongroom.bootstrap.root import Root
from strongroom.bootstrap.steps import Foundation, sql_text
from strongroom.errors import StrongroomError
from strongroom.tiers import PROVISIONER

#: By extension what its absence means.
_MEANS = {
    "pg_stat_statements": "nobody can tell which statements cost most",
    "pgaudit": "the log does not tell what functions and DO do",
    "pg_cron": "nothing writes the heartbeat: a delayed replica holds nothing back while there are "
    "no commits, and the alarm on silence will fire",
}

# Of the session, not of the extension: it was lost, waited for a lock too long, or was cancelled.
_PASSING = (None, "55P03", "57014", "57P01")


def ready(root: Root, foundation: Foundation) -> list[str]:
    """Make the extensions there are, and keep the heart beating.

    Args:
        root: root of a cluster whose foundation is laid.
        foundation: what was laid.

    Returns:
        one sentence for each extension that cannot be had, empty when all are there.

    Raises:
        StrongroomError: PostgreSQL refused a step.
    """
    try:
        with root.connect(foundation.database) as connection:
            lacking = {name: _refused(connection, name) for name in _MEANS}
            if not lacking["pg_cron"]:
                with borrowed(connection, PROVISIONER):
                    connection.execute(sql_text("cron"))
    except psycopg.Error as error:
        raise StrongroomError(
            f"What RDS offers beside PostgreSQL was not all made in {root.where}: "
            f"{' '.join(str(error).split())}. The foundation is laid. Mend the cause and run "
            "`pulumi up` again."
        ) from error
    return [
        f"{name} cannot be had ({reason}), so {_MEANS[name]}"
        for name, reason in lacking.items()
        if reason
    ]


def _refused(connection: psycopg.Connection[Any], name: str) -> str:
    """Have an extension; else why not: not offered, not loaded, or at home in another database."""
    create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
    try:
        connection.execute(create)
    except psycopg.Error as error:
        if error.sqlstate in _PASSING:
            raise
        return " ".join(str(error.diag.message_primary).split())
    return ""
