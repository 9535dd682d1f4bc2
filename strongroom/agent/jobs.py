"""What the agent does, one function a duty. Each can be called at any time and does what is due."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from strongroom import alerts
from strongroom.agent.duties import Duties
from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.vault import Vault
from strongroom.elevations.ending import end_due
from strongroom.tiers import PROVISIONER

#: Seconds until what did not reach the webhook is posted again.
_AGAIN_AFTER = 60


class Heart:
    """Writes the heartbeat through one session that is kept open."""

    def __init__(self) -> None:
        self._session: psycopg.Connection[Any] | None = None

    def beat(self, duties: Duties) -> str:
        """Write one; a new session after a failure."""
        try:
            if self._session is None:
                self._session = self._open(duties)
            row = self._session.execute("SELECT strongroom.beat()").fetchone()
        except psycopg.Error:
            self.stop()
            raise
        return row[0].isoformat() if row else ""

    def stop(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _open(self, duties: Duties) -> psycopg.Connection[Any]:
        stack = StackFolder(duties.stack)
        trusted = stack.authority.certificate
        cluster = Cluster.at(duties.directory)
        parameters = sign_in(cluster, PROVISIONER, stack.provisioner, trusted, duties.database)
        settings = {"connect_timeout": "5", "options": "-c statement_timeout=5s"}
        conninfo = make_conninfo(**parameters, **settings, application_name="strongroom-agent")
        return psycopg.connect(conninfo, autocommit=True)


def take_snapshot(duties: Duties) -> str:
    """Take the snapshot that is due, and end what is past its age."""
    cluster = Cluster.at(duties.directory)
    vault = Vault(duties.vault, cluster.user)
    every, full_every = timedelta(hours=duties.every_hours), timedelta(days=duties.full_every_days)
    try:
        taken = snapshots.take_due(vault, cluster, every, full_every)
    finally:
        # Also when there was no room for another one: that makes some.
        ended = snapshots.expire(vault, cluster, duties.retention)
    done = f"{taken.name} taken" if taken else "none is due"
    return f"{done}, {len(ended)} ended" if ended else done


class Postman:
    """Posts new alerts at once, and what did not reach the webhook once a minute."""

    def __init__(self) -> None:
        self._size = -1
        self._at = -math.inf

    def post(self, duties: Duties) -> str:
        """Post what waits."""
        try:
            size = alerts.file_of(duties.stack).stat().st_size
        except FileNotFoundError:
            return "none is waiting"
        if size == self._size and time.monotonic() - self._at < _AGAIN_AFTER:
            return "none is waiting"
        self._at = time.monotonic()
        delivered = alerts.deliver_kept(duties.stack)
        self._size = alerts.file_of(duties.stack).stat().st_size
        return f"{delivered} delivered" if delivered else "none is waiting"


def end_elevations(duties: Duties) -> str:
    """End what was lent until now."""
    return "; ".join(end_due(StackFolder(duties.stack), duties.elevations)) or "none is over"


def rotate_by_age(duties: Duties) -> str:
    """Rotate root's password when it is old enough."""
    cluster = Cluster.at(duties.directory)
    root = LocalRoot(cluster)
    current = root.sealed.current()
    limit = timedelta(days=duties.rotate_after_days)
    if current is not None and datetime.now(UTC) - current.since <= limit:
        return "not due"
    with cluster.locked():
        return f"rotated at {Rotation(root).run().isoformat(timespec='seconds')}"
