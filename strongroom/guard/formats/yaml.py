"""YAML and JSON: Rails, docker compose, Spring, and whatever else keeps settings in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from strongroom.guard.formats.document import Document, NotUnderstoodError
from strongroom.guard.formats.erb import Erb
from strongroom.guard.interpolation import interpolated
from strongroom.guard.targets import Entry

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Steps through a document; aliases can multiply a small file without end.
_MOST = 100_000
#: Where lists hold variables, in docker compose.
_VARIABLES = frozenset({"environment", "env", "args"})

_Event: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class _Node:
    """A scalar, a list or a mapping, and its line."""

    value: "str | tuple[_Node, ...] | _Mapping"
    line: int


class _Mapping(list[tuple[str, _Node]]):
    """The pairs of a mapping, as written."""


def read_json(document: Document) -> Iterator[Entry]:
    """The settings of a JSON file; YAML includes JSON, but for tabs between its tokens."""
    return _read(document, document.text.replace("\t", " "))


def read_yaml(document: Document) -> Iterator[Entry]:
    """The settings of a YAML file, with ERB tags, variables, anchors and merges resolved."""
    erb = Erb(document.text, document.variables)
    for entry in _read(document, erb.text):
        value = interpolated(erb.put_back(entry.value), document.variables)
        yield Entry(entry.path, value, entry.origin, entry.scope)


def _read(document: Document, text: str) -> Iterator[Entry]:
    try:
        for number, root in enumerate(_Composer(text).documents()):
            # Documents of one file are different profiles; they do not complete each other.
            above = (str(number),) if number else ()
            for path, leaf in _Walk().leaves(root, above):
                yield document.entry(path, str(leaf.value), leaf.line)
    except (yaml.YAMLError, ValueError, RecursionError):
        # Its message quotes the text.
        raise NotUnderstoodError("YAML") from None


class _Walk:
    """Goes through a document, and no further than a configuration would take it."""

    def __init__(self) -> None:
        self._left = _MOST

    def leaves(self, node: _Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], _Node]]:
        self._step()
        match node.value:
            case str():
                yield path, node
            case _Mapping():
                for key, below in self._merged(node.value).items():
                    yield from self.leaves(below, (*path, key))
            case items:
                for number, item in enumerate(items):
                    yield from self._item(number, item, path)

    def _item(
        self, number: int, item: _Node, path: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], _Node]]:
        """An item of a list; docker compose writes variables as items ``KEY=value``."""
        if isinstance(item.value, str) and path and path[-1] in _VARIABLES:
            key, is_set, value = item.value.partition("=")
            yield (*path, key if is_set else str(number)), _Node(value, item.line)
        else:
            yield from self.leaves(item, (*path, str(number)))

    def _merged(self, mapping: _Mapping) -> dict[str, _Node]:
        """The pairs by key, with those of ``<<`` where the mapping has none of its own."""
        self._step(len(mapping))
        pairs: dict[str, _Node] = {}
        for key, below in mapping:
            if key == "<<":
                for source in below.value if isinstance(below.value, tuple) else (below,):
                    if isinstance(source.value, _Mapping):
                        pairs.update(self._merged(source.value))
        return pairs | {key: below for key, below in mapping if key != "<<"}

    def _step(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueError("larger than any configuration")


class _Composer:
    """Makes nodes from the parser's events; aliases share a node, and none holds itself."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[_Event] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, _Node] = {}

    def documents(self) -> Iterator[_Node]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._node(next(self._events))

    def _node(self, event: _Event) -> _Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            # A node's anchor is known only when it is complete, so none can hold itself.
            return self._anchors.get(str(event.anchor), _Node("", line))
        if isinstance(event, yaml.SequenceStartEvent):
            node = _Node(self._items(), line)
        elif isinstance(event, yaml.MappingStartEvent):
            node = _Node(self._entries(), line)
        else:
            node = _Node(event.value, line)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _items(self) -> tuple[_Node, ...]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event))
        return tuple(items)

    def _entries(self) -> _Mapping:
        pairs = _Mapping()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event)
            value = self._node(next(self._events))
            pairs.append((key.value if isinstance(key.value, str) else "", value))
        return pairs
