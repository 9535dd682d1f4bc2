"""Asking a server for its marker with the credentials that were found: only with `--probe`."""

from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from strongroom.guard.findings import How, Match
from strongroom.guard.targets import Target
from strongroom.marker import read_marker

#: Seconds.
_CONNECT_LIMIT = 3
# Every signed-in role may read it, from any database of the cluster.
_MARKERS = "SELECT shobj_description(oid, 'pg_database') FROM pg_database"


def marker_of(target: Target) -> Match | None:
    """The guarded environment that the server says it is; None when it says so of none."""
    parameters: dict[str, Any] = {
        **target.options,
        "host": target.host,
        "port": target.port,
        "connect_timeout": _CONNECT_LIMIT,
        "application_name": "strongroom-guard",
    }
    try:
        conninfo = make_conninfo(**parameters)
        with psycopg.connect(conninfo) as session:
            session.read_only = True  # not by a startup option, which poolers refuse
            texts = [row[0] for row in session.execute(_MARKERS).fetchall()]
    except (psycopg.Error, ValueError):
        return None  # its message may quote what it was given
    for found in filter(None, map(read_marker, texts)):
        environment, guarded = found
        if guarded:
            return Match(environment, "its marker", How.MARKER)
    return None
