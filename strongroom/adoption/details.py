"""What a role has besides rights: limits, an end, and settings of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg

from strongroom.reading.setting_values import milliseconds, search_path

#: The settings of a role that the program holds to, and how to read what the server has.
_READERS: Mapping[str, Callable[[str], object]] = {
    "search_path": search_path,
    "statement_timeout": milliseconds,
    "idle_in_transaction_session_timeout": milliseconds,
    "role": str,
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

    def changes(self, wanted: Mapping[str, object]) -> Iterator[str]:
        """What `pulumi up` will change of these, in words.

        Args:
            wanted: what each setting that the program holds to will be: a list of schemas,
                milliseconds, or a role; those left out will be unset.
        """
        if not self.inherit:
            yield "NOINHERIT becomes INHERIT"
        if self.connection_limit != -1:
            yield f"the limit of {self.connection_limit} connections goes"
        if self.valid_until:
            yield f"the end at {self.valid_until} goes"
        has = dict(line.partition("=")[::2] for line in self.settings)
        for name, read_as in _READERS.items():
            now = read_as(has[name]) if name in has else None
            if now != wanted.get(name):
                yield f"the setting {name} becomes {_shown(wanted.get(name))}, now {_shown(now)}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value / 1000:g} s" if isinstance(value, int) else str(value or "unset")


def read(connection: psycopg.Connection[Any]) -> dict[str, Details]:
    """The details of every role by name."""
    text: Any = resources.files(__package__).joinpath("sql/details.sql").read_text()
    rows = connection.execute(cast("LiteralString", text))
    return {
        name: Details(bootstrap, inherit, limit, until, tuple(settings))
        for name, bootstrap, inherit, limit, until, settings in rows
    }
