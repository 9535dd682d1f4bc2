"""Values of settings as PostgreSQL's catalogs spell them."""

import re

#: Reported for a time that cannot be read, so that it shows as a change and is put right.
UNREADABLE = -1

# PostgreSQL 17, "Parameter Names and Values": units of time and how many milliseconds each has.
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1e3, "min": 60e3, "h": 3600e3, "d": 86400e3}
_TIME = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s|min|h|d)?\s*")
_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",]+))\s*(?:,|$)')


def search_path(text: str) -> list[str]:
    """The schemas of a search_path as pg_db_role_setting spells it.

    >>> search_path('app, "$user", "a, b"')
    ['app', '$user', 'a, b']
    """
    found = []
    for quoted, plain in _ELEMENT.findall(text):
        found.append(plain.strip() or quoted.replace('""', '"'))
    return found


def milliseconds(text: str) -> int:
    """A time setting in milliseconds, `UNREADABLE` when it is none.

    >>> milliseconds("60000"), milliseconds("1min"), milliseconds("1.5 h")
    (60000, 60000, 5400000)
    """
    match = _TIME.fullmatch(text)
    if not match:
        return UNREADABLE
    return round(float(match[1]) * _UNITS[match[2] or "ms"])
