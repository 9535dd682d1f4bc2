"""One resource as the engine shows it to the rules: its properties, some of them not yet known.

pulumi-policy unwraps secrets before a rule sees them, and stops a rule at the first value that is
not known yet; here both stay what they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from google.protobuf import struct_pb2

from strongroom.provider import values
from strongroom.provider.values import UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value the engine keeps encrypted; nothing that prints this shows it."""

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Resource:
    """A resource.

    Attributes:
        type: such as ``aws:rds/instance:Instance``.
        name: its name in the program.
        properties: by the engine's names, with `Secret` around what is one and `UNKNOWN` for
            what only a later step gives.
        protect: whether the engine refuses to delete it.
        urn: its name in the engine.
        after: for each property the URNs of the resources its value comes from; known only when
            the whole stack is looked at.
        provider: the settings of the provider that makes it.
    """

    type: str
    name: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    protect: bool = False
    urn: str = ""
    after: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    provider: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @cached_property
    def _open(self) -> dict[str, Any]:
        return {key: _unwrapped(value) for key, value in self.properties.items()}

    def get(self, key: str, default: Any = None) -> Any:
        """A property's value, also a secret one; `default` when it is not there.

        Never hand a value on to a message unless its kind cannot be secret.
        """
        value = self._open.get(key)
        return default if value is None else value

    def listed(self, key: str) -> tuple[Any, ...]:
        """The elements of a list as far as they are known; nothing for one that is not known."""
        value = self.get(key, ())
        return tuple(value) if isinstance(value, (list, tuple)) else ()

    def text(self, key: str) -> str:
        """A known text; empty for anything else."""
        value = self.get(key)
        return value if isinstance(value, str) else ""

    def texts(self, key: str) -> frozenset[str]:
        """The known texts in a list."""
        return texts_in(self.get(key))

    def is_off(self, key: str, default: bool = False) -> bool:
        """Whether a switch is known not to be on; `default` is what an absent one counts for."""
        value = self.get(key, default)
        return value is not UNKNOWN and value is not True

    def is_on(self, key: str, default: bool = False) -> bool:
        """Whether a switch is known to be on."""
        return self.get(key, default) is True

    def lacks(self, key: str) -> bool:
        """Whether a property is known to be absent or empty."""
        value = self.get(key)
        return value is not UNKNOWN and not value

    def is_under(self, key: str, least: float) -> bool:
        """Whether a number is known to be less than `least`; an absent one is 0."""
        return under(self.get(key), least)

    def comes_from(self, key: str, other: "Resource", *names: str) -> bool:
        """Whether a property's value is of another resource: by where it comes from, or by name.

        Args:
            key: the property.
            other: the other resource.
            names: its properties that the value may be.
        """
        if other.urn in self.after.get(key, ()):
            return True
        mine = self.texts(key) | {self.text(key)} - {""}
        return not mine.isdisjoint(other.text(name) for name in names)


def texts_in(value: Any) -> frozenset[str]:
    """The known texts in a list; nothing where there is no list."""
    elements = value if isinstance(value, (list, tuple)) else ()
    return frozenset(each for each in elements if isinstance(each, str))


def under(value: Any, least: float) -> bool:
    """Whether a number is known to be less than `least`; an absent one is 0."""
    if value is UNKNOWN:
        return False
    try:
        return float(value or 0) < least
    except (TypeError, ValueError):
        return True


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Properties as the engine sent them, secrets still wrapped; a null one counts as absent."""
    return values.from_struct(struct, Secret)


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside with its path, what is inside of secrets left out."""
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            yield from walk(item, f"{path}[{position}]")


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Secret):
        return _unwrapped(value.value)
    if isinstance(value, Mapping):
        return {key: _unwrapped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unwrapped(item) for item in value]
    return value
