"""The point to go back to, as a person gives it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from strongroom.errors import SettingsError

_LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")

#: A table's name with its schema, each quoted where it has to be.
QUALIFIED = re.compile(r'(?:[^\s."]+|"(?:[^"]|"")+")\.(?:[^\s."]+|"(?:[^"]|"")+")')


@dataclass(frozen=True)
class Target:
    """A point to go back to; with neither an LSN nor a time it is the end of all WAL there is.

    Attributes:
        lsn: recovery stops before the record that begins there, or the first one behind.
        time: recovery stops after the last commit that is not later (UTC).
        reason: what makes it the point, for people; empty when they gave it themselves.
        tables: tables that were lost at this point and nothing else, as ``schema.name``.
        database: where that was; empty when it is not known.
    """

    lsn: str | None = None
    time: datetime | None = None
    reason: str = ""
    tables: tuple[str, ...] = ()
    database: str = ""

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read an LSN, a time or ``end``.

        Raises:
            SettingsError: it is none of these.
        """
        if text == "end":
            return cls()
        if _LSN.fullmatch(text):
            high, low = text.upper().split("/")
            return cls(lsn=f"{high.lstrip('0') or '0'}/{low.lstrip('0') or '0'}")
        try:
            time = datetime.fromisoformat(text)
            utc = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            problem = (
                f"--to is {text!r}, which is neither an LSN such as 0/5000148, nor a time such as "
                "2026-11-23T09:00:00+00:00 (without an offset it is taken as UTC), nor `end`, so "
                "it names no point to go back to"
            )
            raise SettingsError("the command line", [problem]) from error
        return cls(time=utc)


def tables(given: list[str]) -> tuple[str, ...]:
    """The tables somebody named.

    Raises:
        SettingsError: one lacks its schema.
    """
    problems = [
        f"--table is {name!r}, which is no table with its schema, so it is not clear which one is "
        "meant. Write schema.name, such as app.orders"
        for name in given
        if not QUALIFIED.fullmatch(name)
    ]
    if problems:
        raise SettingsError("the command line", problems)
    return tuple(dict.fromkeys(given))
