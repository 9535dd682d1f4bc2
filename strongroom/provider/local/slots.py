"""Replication slots on a primary: WAL kept for a replica until it has fetched it."""

from pathlib import Path
from typing import Any

import psycopg
from tenacity import (
    retry,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError

# How long a standby may take to connect to a primary on the same machine before it is looked at
# more closely; it takes well under a second when nothing is wrong.
PATIENCE_SECONDS = 30


def make_slot(primary: Cluster, slot: str) -> None:
    """Make a slot that keeps WAL from now on, unless it is there and of use."""
    with LocalRoot(primary).connect() as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE slot_name = %s AND wal_status = 'lost' AND NOT active",
            [slot],
        )
        connection.execute(
            "SELECT pg_create_physical_replication_slot(%(slot)s, true) "
            "WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %(slot)s)",
            {"slot": slot},
        )


def drop_slot(directory: Path, slot: str) -> None:
    """Let go of the WAL kept for a replica that is gone; a primary that is gone kept none."""
    if not (directory / "cluster.json").exists():
        return
    primary = Cluster.at(directory)
    if not primary.running():
        raise StrongroomError(
            f"The primary in {directory} is stopped, so the slot {slot} of its deleted replica "
            "cannot be dropped and would hold back WAL. Run `pulumi up` or start the primary, "
            "then run this again."
        )
    with primary.locked(), LocalRoot(primary).connect() as connection:
        _drop_idle_slot(connection, slot)


# The primary needs a moment to notice that a standby which stopped is gone.
@retry(
    retry=retry_if_exception_type(psycopg.errors.ObjectInUse),
    stop=stop_after_delay(PATIENCE_SECONDS),
    wait=wait_fixed(0.2),
    reraise=True,
)
def _drop_idle_slot(connection: psycopg.Connection[Any], slot: str) -> None:
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
        [slot],
    )


@retry(
    retry=retry_if_result(lambda active: not active),
    stop=stop_after_delay(PATIENCE_SECONDS),
    wait=wait_fixed(0.2),
    retry_error_callback=lambda _: False,
)
def streams(primary: Cluster, slot: str) -> bool:
    """Whether a standby streams through `slot`, or begins to within `PATIENCE_SECONDS`."""
    return slot_active(primary, slot) is True


def slot_lost(primary: Cluster, slot: str) -> bool:
    """Whether the primary has let go of WAL that the standby behind `slot` still needs."""
    with LocalRoot(primary).connect() as connection:
        query = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s"
        row = connection.execute(query, [slot]).fetchone()
    return row is None or row[0] == "lost"


def slot_active(primary: Cluster, slot: str) -> bool | None:
    """Whether a standby streams through `slot`; None when there is no such slot."""
    with LocalRoot(primary).connect() as connection:
        query = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
        row = connection.execute(query, [slot]).fetchone()
    return bool(row[0]) if row else None
