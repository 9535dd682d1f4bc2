"""YAML as nodes that know their line, and the report that collects what is wrong with them.

PyYAML's own loaders keep the last of two equal keys, turn the key `no` into false and forget
where a value stood. Here a key is the text as written, a repeated key is a mistake, and a plain
value follows YAML 1.2, as Pulumi's reader does: `no` and `on` are text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from strongroom.errors import SettingsError

#: Bytes; a roster of 1,000 engineers takes about 80,000.
LARGEST_FILE = 1024 * 1024
#: Levels of mappings and lists; a roster has 4.
DEEPEST = 16
#: Mistakes printed; a file with more is broken in some way the first ones show.
MOST_SHOWN = 1000
#: Characters of a value that an error shows; a name PostgreSQL would cut off is still whole.
LONGEST_SHOWN = 80

# The C parser is some ten times faster; PyYAML's wheels have it, a build from source may not.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?[0-9]{1,18}\.[0-9]{1,18}")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


class Place(NamedTuple):
    """Where a value stands: a file and line (from 1), or, without a line, another source."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


class Unreadable(Enum):
    """Stands for a value whose mistake is in the report already."""

    UNREADABLE = "unreadable"


UNREADABLE = Unreadable.UNREADABLE


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place; an entry of a mapping has the place of its key."""

    value: "str | int | float | bool | Unreadable | list[Node] | dict[str, Node] | None"
    place: Place

    def __str__(self) -> str:
        """What the value is, for an error: short, and with control characters escaped."""
        match self.value:
            case None | "":
                return "empty"
            case dict():
                return "a mapping"
            case list():
                return "a list"
            case bool():
                return "true" if self.value else "false"
            case str():
                return quoted(self.value)
            case _:
                return str(self.value)


class Report:
    """Collects every mistake of a source before anything is refused."""

    def __init__(self, source: str) -> None:
        """Begin with no mistakes; `source` is what the error names as a whole."""
        self.source = source
        self._found: list[tuple[Place, str]] = []

    def add(self, place: Place, problem: str) -> None:
        """Note a mistake: the value, the rule, the consequence and the remedy."""
        self._found.append((place, problem))

    def settle(self) -> None:
        """Refuse the source when anything was noted.

        Raises:
            SettingsError: with every mistake, in the order of the file.
        """
        if self._found:
            raise self._error()

    def refuse(self, place: Place, problem: str) -> SettingsError:
        """Note the mistake that ends the reading, and give the error to raise."""
        self.add(place, problem)
        return self._error()

    def _error(self) -> SettingsError:
        ordered = sorted(self._found, key=lambda found: found[0])
        lines = [f"{place}: {problem}" for place, problem in ordered]
        if len(lines) > MOST_SHOWN:
            lines[MOST_SHOWN:] = [f"and {len(lines) - MOST_SHOWN:,} more"]
        return SettingsError(self.source, lines)


def quoted(text: str) -> str:
    """`text` as errors show it: in quotes, escaped, at most `LONGEST_SHOWN` characters."""
    return repr(str(text) if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}...")


def shown_path(path: Path) -> str:
    """`path` as errors name it: relative to the working directory where it lies below."""
    absolute = path.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def read_file(path: Path, report: Report, needed: str) -> Node:
    """Read a YAML file of at most 1 MiB.

    Args:
        path: the file.
        report: takes the mistakes that do not stop the reading.
        needed: what is not known without the file, such as "who may sign in".

    Returns:
        The document; its value is None when the file holds only comments.

    Raises:
        SettingsError: the file cannot be read, or is not YAML.
    """
    source = shown_path(path)
    place = Place(source)
    # Asked first, because opening a pipe waits for a writer and a device may never end.
    if path.exists() and not path.is_file():
        problem = f"it is not a regular file, so {needed} is not known. Put the file back"
        raise report.refuse(place, problem)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror}), so {needed} is not known. Put it back"
        raise report.refuse(place, f"{problem}, or make it readable") from None
    if len(data) > LARGEST_FILE:
        raise report.refuse(place, _TOO_LARGE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"the byte 0x{data[error.start]:02x} is not UTF-8, so a name could be misread"
        raise report.refuse(Place(source, line), f"{problem}. Save the file as UTF-8") from None
    return read_text(text, source, report)


def read_text(text: str, source: str, report: Report) -> Node:
    """Read YAML from `text`; see `read_file`."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        problem = f"the character {text[error.start]!r} is not Unicode text. Remove it"
        raise report.refuse(Place(source), problem) from None
    if size > LARGEST_FILE:
        raise report.refuse(Place(source), _TOO_LARGE)
    try:
        return _Composer(text, source, report).document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character 0x{error.character:02x} is not allowed in YAML. Remove it"
        raise report.refuse(Place(source, line), problem) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        context = f"{error.context}: " if error.context else ""
        problem = f"this is not YAML ({context}{error.problem}), so the file says nothing past it"
        remedy = "Correct the line, or the one before it; then the rest is checked"
        raise report.refuse(Place(source, line), f"{problem}. {remedy}") from None


def plain(value: object, place: Place) -> Node:
    """Make nodes of values that come from elsewhere, such as the engine's configuration."""
    if isinstance(value, Mapping):
        return Node({str(key): plain(item, place) for key, item in value.items()}, place)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Node([plain(item, place) for item in value], place)
    if value is None or isinstance(value, (str, int, float)):
        return Node(value, place)
    return Node(repr(value), place)


_TOO_LARGE = (
    "it is larger than 1 MiB, far more than these settings need, so it is taken for the wrong "
    "file and not read. Put the right one in its place"
)


# The stubs of PyYAML give a node's event neither anchor nor tag nor a mark that is always there.
_Event: TypeAlias = Any


class _Composer:
    """Makes nodes from the parser's events; never visits anything twice, so no alias explodes."""

    def __init__(self, text: str, source: str, report: Report) -> None:
        self._events: Iterator[_Event] = yaml.parse(text, Loader=_LOADER)
        self._source = source
        self._report = report

    def document(self) -> Node:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Node(None, Place(self._source, 1))
        root = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            problem = "a second document begins here, and only one is read. Join them, or remove it"
            self._report.add(self._place(after), problem)
        return root

    def _node(self, event: _Event, depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            self._report.add(place, f"the alias *{event.anchor} {_SPELL_OUT}")
            return Node(UNREADABLE, place)
        if event.anchor:
            self._report.add(place, f"the anchor &{event.anchor} {_SPELL_OUT}")
        if event.tag:
            problem = f"the tag {quoted(event.tag)} is not understood, so the value is not read as"
            self._report.add(place, f"{problem} it says. Remove the tag; put text in quotes")
        if depth > DEEPEST:
            problem = f"this lies more than {DEEPEST} levels deep; these settings need 4. Remove it"
            raise self._report.refuse(place, problem)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._items(depth), place)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(self._entries(depth), place)
        return Node(_resolve(event.value) if event.implicit[0] else event.value, place)

    def _items(self, depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _entries(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            place = self._place(event)
            is_text = isinstance(event, yaml.ScalarEvent)
            if not is_text or event.anchor or event.tag:
                self._node(event, depth + 1)
            entry = Node(self._node(next(self._events), depth + 1).value, place)
            if not is_text:
                self._report.add(place, "a key that is no text means nothing here. Write a name")
            elif event.value in entries:
                first = entries[event.value].place.line
                problem = f"the key {quoted(event.value)} was written already on line {first}, and"
                remedy = "Join them, or give one another name"
                self._report.add(place, f"{problem} only one of the two would count. {remedy}")
            elif event.value != "<<" or entry.value is not UNREADABLE:
                entries[event.value] = entry
        return entries

    def _place(self, event: _Event) -> Place:
        return Place(self._source, event.start_mark.line + 1)


_SPELL_OUT = "hides what is meant from whoever reviews this line. Write the value out"


def _resolve(text: str) -> str | int | float | bool | None:
    """The value of a scalar without quotes, by the core schema of YAML 1.2, numbers bounded."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
