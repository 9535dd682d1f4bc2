"""What belongs to a database as a whole, which a dump of its content leaves out."""

from typing import Any

import psycopg
from psycopg import sql

#: DATCONNLIMIT_INVALID_DB in PostgreSQL's pg_database.h.
INVALID = -2

_SHAPE = """
    SELECT pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype, datlocale,
           pg_get_userbyid(datdba)::text
    FROM pg_database WHERE datname = %s
"""
# Who owns something in the database, or was granted something there or on it.
_ROLES = """
    SELECT DISTINCT pg_get_userbyid(refobjid) FROM pg_shdepend, pg_database AS d
    WHERE refclassid = 'pg_authid'::regclass AND datname = %s
      AND (dbid = d.oid OR classid = 'pg_database'::regclass AND objid = d.oid)
"""
_SETTINGS = """
    SELECT r.rolname::text, split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)
    FROM pg_db_role_setting JOIN pg_database AS d ON d.oid = setdatabase
    LEFT JOIN pg_roles AS r ON r.oid = setrole, unnest(setconfig) AS entry
    WHERE datname = %s
"""
_GRANTS = """
    SELECT pg_get_userbyid(grantor)::text,
           CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee)::text END,
           privilege_type, is_grantable
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = %s
"""
# Values that are lists of names are kept as they are to be read, quotes included.
_LISTS = ("local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces")

Session = psycopg.Connection[Any]


def make_roles(here: Session, there: Session, database: str) -> list[str]:
    """Make the roles that own or were granted something in the database and are gone since.

    They cannot sign in and are in no group: whoever left does not come back with the data.

    Returns:
        those that were made.
    """
    wanted = {name for (name,) in here.execute(_ROLES, [database])}
    known = {name for (name,) in there.execute("SELECT rolname::text FROM pg_roles")}
    gone = sorted(wanted - known)
    for name in gone:
        there.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
    return gone


def create(here: Session, there: Session, database: str, name: str) -> None:
    """Make an empty database shaped like another one, which only superusers can connect to."""
    row = here.execute(_SHAPE, [database]).fetchone()
    if row is None:
        raise LookupError(database)
    encoding, provider, collate, ctype, locale, _ = row
    parts = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 CONNECTION LIMIT 0").format(
            sql.Identifier(name)
        ),
        sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(encoding, collate, ctype),
    ]
    if provider != "c":
        kind, word = ("icu", "ICU_LOCALE") if provider == "i" else ("builtin", "BUILTIN_LOCALE")
        parts.append(sql.SQL(f"LOCALE_PROVIDER {kind} {word} {{}}").format(locale))
    there.execute(sql.SQL(" ").join(parts))
    there.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def carry_over(here: Session, there: Session, database: str, name: str) -> None:
    """Give database `name` the owner, grants, settings and comment that `database` has `here`."""
    row = here.execute(_SHAPE, [database]).fetchone()
    said = here.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
        [database],
    ).fetchone()
    target = sql.Identifier(name)
    with there.transaction():
        if row:
            owner = sql.Identifier(row[5])
            there.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(target, owner))
        if said:
            there.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(target, said[0]))
        for role, setting, value in here.execute(_SETTINGS, [database]):
            _set(there, role, target, setting, value)
        _grant(there, here.execute(_GRANTS, [database]).fetchall(), target)


def end_sessions(there: Session, database: str) -> None:
    """End every session in a database."""
    there.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
        [database],
    )


def end_work(there: Session, application: str) -> None:
    """End what a killed run left behind: its programs go on without it."""
    there.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE application_name = %s AND usename = current_user AND pid <> pg_backend_pid()",
        [application],
    )


def _set(
    there: Session, role: str | None, target: sql.Identifier, setting: str, value: str
) -> None:
    whose = sql.SQL("DATABASE {}").format(target)
    if role is not None:
        query = "SELECT FROM pg_roles WHERE rolname = %s"
        if there.execute(query, [role]).fetchone() is None:
            return  # gone since; whoever left needs no settings
        whose = sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), target)
    name = sql.SQL(".").join(map(sql.Identifier, setting.split(".")))
    if setting in _LISTS:
        there.execute("SELECT set_config(%s, %s, true)", [setting, value])
        there.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(whose, name))
    else:
        there.execute(sql.SQL("ALTER {} SET {} TO {}").format(whose, name, value))


def _grant(there: Session, grants: list[tuple[Any, ...]], target: sql.Identifier) -> None:
    """Grant in each grantor's name; who grants on has to have been granted it before."""
    there.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(target))
    waiting = sorted(grants, key=lambda grant: not grant[3])
    for grantor, grantee, privilege, grantable in waiting:
        whom = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
        end = sql.SQL(" WITH GRANT OPTION" if grantable else "")
        there.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor)))
        there.execute(
            sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(sql.SQL(privilege), target, whom, end)
        )
        there.execute("RESET ROLE")
