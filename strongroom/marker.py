"""The marker: how a database says which environment it belongs to.

It is the comment on the application's database, which every signed-in role can read from any
database of the cluster (``shobj_description(oid, 'pg_database')``). It holds no secret.
"""

import re

_NAME = "strongroom.environment"
_GUARD_OFF = "guard=off"
_MARKER = re.compile(rf"(?<![\w.]){re.escape(_NAME)}=(?P<environment>[^\s;=]+)(?P<rest>[^\n]*)")


def marker(environment: str, guarded: bool) -> str:
    """Return the marker's text, to be set with ``COMMENT ON DATABASE``.

    Args:
        environment: the stack's name, such as ``production``; without spaces, ``;`` and ``=``.
        guarded: whether ``strongroom guard`` keeps laptops away from this database.
    """
    if not re.fullmatch(r"[^\s;=]+", environment):
        raise ValueError(f"not the name of an environment: {environment!r}")
    return f"{_NAME}={environment}" + ("" if guarded else f"; {_GUARD_OFF}")


def read_marker(text: str | None) -> tuple[str, bool] | None:
    """Find the marker in a database's comment, wherever people wrote around it.

    Args:
        text: the comment, or None where a database has none.

    Returns:
        the environment and whether it is guarded, or None when there is no marker. Whatever
        else stands behind the marker leaves the database guarded.
    """
    found = _MARKER.search(text or "")
    if found is None:
        return None
    words = [word.strip() for word in found["rest"].split(";")]
    return found["environment"], _GUARD_OFF not in words
