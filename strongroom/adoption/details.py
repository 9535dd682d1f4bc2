"""What a role has besides rights: limits, an end, and settings of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg

#: Settings of a role that the program sets, and what it sets them to.
_SET = {
    "search_path": "the guarded schemas",
    "statement_timeout": "that of the tier",
    "idle_in_transaction_session_timeout": "that of the stack",
    "role": "app_owner for who changes tables as an application, else none",
}


@dataclass(frozen=True)
class Details:
    """One role's.

    Attributes:
        bootstrap: whether it is the superuser the server was made with.
        inherit: whether it is INHERIT.
        connection_limit: sessions at a time; -1 is any number.
        valid_until: when its password ends; empty for never.
        settings: its settings in every database, as ``name=value``.
    """

    bootstrap: bool
    inherit: bool
    connection_limit: int
    valid_until: str
    settings: tuple[str, ...]

    def changes(self) -> Iterator[str]:
        """What `pulumi up` will change of these, in words."""
        if not self.inherit:
            yield "NOINHERIT becomes INHERIT"
        if self.connection_limit != -1:
            yield f"the limit of {self.connection_limit} connections goes"
        if self.valid_until:
            yield f"the end at {self.valid_until} goes"
        for line in self.settings:
            name = line.partition("=")[0]
            if name in _SET:
                yield f"the setting {line} becomes {_SET[name]}"


def read(connection: psycopg.Connection[Any]) -> dict[str, Details]:
    """The details of every role by name."""
    text: Any = resources.files(__package__).joinpath("sql/details.sql").read_text()
    rows = connection.execute(cast("LiteralString", text))
    return {
        name: Details(bootstrap, inherit, limit, until, tuple(settings))
        for name, bootstrap, inherit, limit, until, settings in rows
    }
