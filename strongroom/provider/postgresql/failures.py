"""What PostgreSQL refuses, told in one paragraph: what was tried, what it said, what helps.

Source of the codes: PostgreSQL 17, appendix A, "PostgreSQL Error Codes".
"""

import re
from collections.abc import Mapping

import psycopg

from strongroom.errors import StrongroomError

_REMEDIES: Mapping[str, str] = {
    "42501": (
        "The role that signs in may not do this: it needs ADMIN on a role it changes or grants, "
        "an attribute itself before it gives or takes it, and for an object membership (INHERIT) "
        "in its owner, or the grant option. The owner, or root, can do it or give it that."
    ),
    "55P03": (
        "Another session held a lock on it for too long, most likely an open transaction that "
        "changed the same rights; pg_stat_activity names it. End it and run again."
    ),
    "57014": "It took longer than statement_timeout allows. Run again when the server is calmer.",
    "3F000": "Declare the schema, and let this resource depend on it.",
    "3D000": "Create the database first, or name one that is there.",
    "42704": "Declare what is missing, and let this resource depend on it.",
    "42P01": "Make the table first, or take it out of objects.",
    "42703": "Make the column first, or take it out of columns.",
    "42883": "Make the routine first, or name it with its argument types: name(integer, text).",
    "42725": "Name it with its argument types: name(integer, text).",
    "42710": (
        "Something else made it. Take it over with `pulumi import`, or drop it and run again."
    ),
    "2BP01": (
        "Move, revoke or drop what depends on it first. What a role owns or was granted in "
        "another database than the provider's is left to whoever works there."
    ),
    "0LP01": (
        "PostgreSQL allows no such grant: memberships may not form a circle, and ADMIN is not "
        "given back to whom it came from."
    ),
    "22007": "Write the time as 2030-12-31 00:00:00+00.",
    "22008": "Write the time as 2030-12-31 00:00:00+00.",
    "25006": (
        "This server only reads: it is a standby, or still recovering. Point the provider's host "
        "and port at the primary."
    ),
    "53300": "No connection was free. End idle sessions or raise max_connections.",
}

#: Lines of a detail that are told; a list of dependents can be as long as the database is large.
_LINES = 5

# What libpq and the server say when there is no session, and what helps.
_CONNECTION: Mapping[str, str] = {
    "certificate verify failed|signature failure|does not match host name|root certificate": (
        "The server's certificate does not come from sslrootcert, or was not issued for the host "
        "the provider names. Correct host and sslrootcert; do not lower sslmode."
    ),
    "private key file .* has group or world access|permissions should be": (
        "libpq takes no private key that others can read: chmod 600 the file in clientcert.key."
    ),
    "could not (open|read|load) .*(certificate|private key)|certificate file": (
        "Check that the files in clientcert can be read and belong together."
    ),
    (
        "certificate authentication failed|valid client certificate|certificate (has )?expired"
        "|tlsv1 alert|sslv3 alert"
    ): (
        "The server does not accept the client certificate for this role. Its common name has to "
        "be the role's name, it has to be in date, and the server has to know its authority."
    ),
    "no pg_hba.conf entry": "The server lets this role in by no rule of its pg_hba.conf.",
    "PAM authentication failed": (
        "RDS took no IAM token for this role: it has to be in rds_iam, the policy of who signs "
        "has to allow rds-db:connect as it, host and port have to be the instance's own endpoint, "
        "and the clock has to be right."
    ),
    "through the SOCKS proxy": (
        "Check that the tunnel ALL_PROXY names is open, and that it leads to the server's network."
    ),
    "password authentication failed": "Correct the password, or sign in with clientcert.",
    "Connection refused|No such file": "Nothing listens there. Start the server, then run again.",
    "could not translate host name|Name or service not known": "Correct the provider's host.",
    "timeout": "The server did not answer in time: correct host, port and firewall, run again.",
    "starting up|shutting down|recovery": "Wait until the server takes sessions, run again.",
    'permission denied for database "': "Root, or the database's owner, can GRANT CONNECT on it.",
    'database ".*" does not exist': _REMEDIES["3D000"],
    'role ".*" does not exist': "Create the role the provider signs in as, or name another.",
}


def refused(doing: str, error: psycopg.Error, where: str) -> StrongroomError:
    """Tell an error that undid an operation.

    Args:
        doing: what was tried, for example ``create role ada``.
        error: what PostgreSQL or libpq said.
        where: database and server, for example ``database app at 127.0.0.1:5432``.
    """
    if error.sqlstate is None:
        return unreachable(doing, error, where)
    diagnosis = error.diag
    parts = [f"SQLSTATE {error.sqlstate}"]
    parts += _few(diagnosis.message_detail or "")
    parts += _few(diagnosis.message_hint or "")
    said = f"{_line(diagnosis.message_primary or str(error))} ({'; '.join(parts)})"
    remedy = _REMEDIES.get(error.sqlstate, "Correct it and run again.")
    return StrongroomError(
        f"Could not {doing} in {where}: PostgreSQL said: {said}. Nothing was changed. {remedy}"
    )


def unreachable(doing: str, error: psycopg.Error, where: str) -> StrongroomError:
    """Tell why there is no session to work in."""
    said = _line(str(error))
    remedy = next(
        (text for pattern, text in _CONNECTION.items() if re.search(pattern, said, re.IGNORECASE)),
        "See the server's log for its side of it.",
    )
    return StrongroomError(f"Could not {doing}: no session in {where}: {said}. {remedy}")


def undecided(doing: str, where: str) -> StrongroomError:
    """Tell that the session was lost while its work was being committed."""
    return StrongroomError(
        f"Could not {doing} for certain: the session in {where} was lost while the change was "
        "being committed, so it may or may not have happened. Run `pulumi up --refresh`, which "
        "looks before it changes anything."
    )


def _few(text: str) -> list[str]:
    """The lines of a detail, or the first of them and how many more there are."""
    lines = [_line(line) for line in text.splitlines() if line.strip()]
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return lines[:_LINES] + more


def _line(text: str) -> str:
    return " ".join(text.split()).rstrip(".?")
