"""What tests of incidents share."""

from collections.abc import Callable
from typing import Any

import psycopg

from strongroom.incident.events import Event, Findings
from tests.live.local_stack import LocalStack

Search = Callable[..., Findings]


def run(session: psycopg.Connection[Any], statement: str) -> None:
    session.execute(statement.encode())


def only(found: Findings) -> Event:
    assert len(found.events) == 1, found
    return found.events[0]


def record_at(house: LocalStack, lsn: str | None) -> str:
    """The record of the WAL that begins at an LSN, in pg_waldump's words."""
    cluster = house.cluster
    tool = cluster.package.tool("pg_waldump")
    wal = cluster.data / "pg_wal"
    return cluster.user.run(tool, "-p", wal, "-s", str(lsn), "-n", "1").stdout
