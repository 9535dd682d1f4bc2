"""A role as the catalogs have it, and the statements that change it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from strongroom.provider.postgresql.membership import Membership
from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.session import Row
from strongroom.reading.setting_values import milliseconds, search_path

#: Python name of a property, and the option of CREATE ROLE that says yes.
FLAGS: Mapping[str, str] = {
    "superuser": "SUPERUSER",
    "create_database": "CREATEDB",
    "create_role": "CREATEROLE",
    "inherit": "INHERIT",
    "login": "LOGIN",
    "bypass_row_level_security": "BYPASSRLS",
    "replication": "REPLICATION",
}

#: Python name of a property, and the setting of the role that it is; in the official plugin's
#: order, which is the order of pg_db_role_setting.
SETTINGS: Mapping[str, str] = {
    "search_paths": "search_path",
    "statement_timeout": "statement_timeout",
    "idle_in_transaction_session_timeout": "idle_in_transaction_session_timeout",
    "assume_role": "role",
}


@dataclass(frozen=True)
class Role:
    """One row of pg_roles with the memberships of the role.

    Attributes:
        name: the role's name.
        flags: the attributes that are on or off, by the names in `FLAGS`.
        connection_limit: sessions at a time; -1 is any number.
        valid_until: in UTC, or ``infinity``.
        valid_as_said: whether that is the instant the program gave.
        settings: the role's settings by the names in `SETTINGS`, those it has.
        memberships: what the role is in.
        ours: whether this session has ADMIN on it, without which it cannot be changed.
    """

    name: str
    flags: dict[str, bool]
    connection_limit: int
    valid_until: str
    valid_as_said: bool
    settings: dict[str, Any]
    memberships: tuple[Membership, ...]
    ours: bool

    @property
    def roles(self) -> frozenset[str]:
        """The roles this one is in, with any right of theirs or with ADMIN only."""
        return frozenset(each.role for each in self.memberships)


ROLE = query("role")


def parameters(name: str, valid_until: str | None) -> dict[str, Any]:
    """The values that `ROLE` takes."""
    return {"name": name, "valid_until": valid_until}


def from_row(row: Row) -> Role:
    """A role from the row that `ROLE` found."""
    lines = dict(line.partition("=")[::2] for line in row["config"])
    settings: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if setting in lines:
            settings[name] = _READERS.get(name, str)(lines[setting])
    return Role(
        name=row["name"],
        flags={name: row[name] for name in FLAGS},
        connection_limit=row["connection_limit"],
        valid_until=row["valid_until"],
        valid_as_said=row["valid_as_said"],
        settings=settings,
        memberships=tuple(Membership(**each) for each in row["memberships"]),
        ours=row["ours"],
    )


_READERS = {
    "search_paths": search_path,
    "statement_timeout": milliseconds,
    "idle_in_transaction_session_timeout": milliseconds,
}


def create(name: str, flags: Mapping[str, bool], limit: int, until: str) -> sql.Composed:
    """CREATE ROLE with every attribute said."""
    options = [_until(until), _limit(limit), *_flags(flags)]
    return sql.SQL("CREATE ROLE {} WITH ").format(sql.Identifier(name)) + _joined(options)


def alter(
    name: str, flags: Mapping[str, bool], limit: int | None, until: str | None
) -> sql.Composed | None:
    """ALTER ROLE with only what changes.

    Who is not a superuser may not so much as repeat NOSUPERUSER.
    """
    options = _flags(flags)
    options += [] if limit is None else [_limit(limit)]
    options += [] if until is None else [_until(until)]
    if not options:
        return None
    return sql.SQL("ALTER ROLE {} WITH ").format(sql.Identifier(name)) + _joined(options)


def set_setting(name: str, setting: str, value: Any) -> sql.Composed:
    """ALTER ROLE … SET, or RESET for an empty value."""
    role, parameter = sql.Identifier(name), sql.SQL(setting)
    if not value:
        return sql.SQL("ALTER ROLE {} RESET {}").format(role, parameter)
    values = value if isinstance(value, list) else [value]
    chosen = sql.SQL(", ").join(sql.Literal(each) for each in values)
    return sql.SQL("ALTER ROLE {} SET {} TO {}").format(role, parameter, chosen)


def rename(name: str, new: str) -> sql.Composed:
    """ALTER ROLE … RENAME."""
    return sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new))


def _flags(flags: Mapping[str, bool]) -> list[sql.Composable]:
    return [sql.SQL(FLAGS[name] if on else f"NO{FLAGS[name]}") for name, on in flags.items()]


def _limit(limit: int) -> sql.Composed:
    return sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(limit))


def _until(until: str) -> sql.Composed:
    return sql.SQL("VALID UNTIL {}").format(sql.Literal(until))


def _joined(options: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(" ").join(options)
