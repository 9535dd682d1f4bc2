"""TOML: the values by the standard library, their lines by the headers and keys in the text."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from strongroom.guard.formats.document import Document, NotUnderstoodError, lines_of
from strongroom.guard.interpolation import interpolated
from strongroom.guard.targets import Entry

_HEADER = re.compile(r"\s*\[{1,2}\s*(?P<path>[^]]+?)\s*]{1,2}")
_KEY = re.compile(r"""(?P<key>[\w-]+|"[^"]*"|'[^']*')\s*=""")


def read_toml(document: Document) -> Iterator[Entry]:
    """The settings of a TOML file; inside an inline table the line is where its key stands."""
    try:
        content = tomllib.loads(document.text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        raise NotUnderstoodError("TOML") from None
    lines = _lines(document.text)
    for path, value in _leaves(content, ()):
        named = [part for part in path if not part.isdigit()]
        candidates = lines[named[-1]] if named else []
        # The same key occurs in many tables: the header that fits best, then the order.
        fits = max((_shared(above, path) for above, _ in candidates), default=0)
        places = [place for place in candidates if _shared(place[0], path) == fits]
        chosen = places[0] if places else ((), 1)
        if len(places) > 1:
            candidates.remove(chosen)
        yield document.entry(path, interpolated(str(value), document.variables), chosen[1])


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, str(number)))
    else:
        yield path, value


def _lines(text: str) -> dict[str, list[tuple[tuple[str, ...], int]]]:
    """For each key the headers it stands under, and its line."""
    found: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
    header: tuple[str, ...] = ()
    for number, line in lines_of(text):
        if head := _HEADER.match(line):
            header = tuple(part.strip(" \"'") for part in head["path"].split("."))
            continue
        for key in _KEY.finditer(line):
            found[key["key"].strip("\"'")].append((header, number))
    return found


def _shared(header: tuple[str, ...], path: tuple[str, ...]) -> int:
    """How many names of a header a path has, or -1 when it is another's."""
    named = [part for part in path[:-1] if not part.isdigit()]
    return len(header) if list(header) == named[: len(header)] else -1
