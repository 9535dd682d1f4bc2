"""What was declared beside what the API stored, property by property."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from rehearsal.engine import Resource
from rehearsal.naming import NAMES, NOT_STORED
from rehearsal.result import Property, Stored

#: Marks a value in the engine's state that is sealed (Pulumi's resource/properties.go).
_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the mark, no secret

_NOT_TOLD = "the API does not tell"


def compared(resource: Resource, stored: Any, tags: Mapping[str, str]) -> Stored:
    """One resource, property by property.

    Args:
        resource: from the engine's state.
        stored: what the API told; None when it has no such thing.
        tags: what the provider puts on everything.
    """
    if stored is None:
        return Stored(resource.name, resource.kind, resource.id, found=False)
    known = {_plain(key): value for key, value in stored.items()}
    properties = tuple(
        _property(resource, name, value, known, tags)
        for name, value in sorted(resource.inputs.items())
        if not name.startswith("__") and value not in (None, [], {})
    )
    return Stored(resource.name, resource.kind, resource.id, found=True, properties=properties)


def _property(
    resource: Resource, name: str, declared: Any, known: Mapping[str, Any], tags: Mapping[str, str]
) -> Property:
    kind = resource.kind
    if isinstance(declared, Mapping) and _SECRET in declared:
        return Property(name, "(sealed)", None, "sealed")
    if reason := NOT_STORED.get((kind, name)) or NOT_STORED.get(("", name)):
        return Property(name, declared, None, reason)
    if name in ("tags", "tagsAll"):
        declared = {**tags, **declared}
    wanted = NAMES.get((kind, name), name)
    if wanted == "":
        stored: Any = known
    elif _plain(wanted) not in known:
        return Property(name, declared, None, _NOT_TOLD)
    else:
        stored = known[_plain(wanted)]
    verdict = "same" if agrees(declared, stored) else "different"
    return Property(name, declared, stored, verdict)


def agrees(declared: Any, stored: Any) -> bool:
    """Whether what is stored says what was declared; it may say more, such as defaults."""
    declared, stored = _parsed(declared), _parsed(stored)
    if isinstance(declared, Mapping):
        return _holds(declared, stored)
    if isinstance(declared, list):
        others = stored if isinstance(stored, list) else [stored]
        return all(any(agrees(each, one) for one in others) for each in declared)
    if isinstance(stored, list):
        return any(agrees(declared, each) for each in stored)
    if isinstance(stored, Mapping):
        # An object stands where its id or name was declared.
        return any(agrees(declared, each) for each in stored.values())
    wanted, found = _scalar(declared), _scalar(stored)
    # Names stand where the API writes the whole ARN.
    return wanted == found or (found.startswith("arn:") and re.split("[:/]", found)[-1] == wanted)


def _holds(declared: Mapping[str, Any], stored: Any) -> bool:
    if isinstance(stored, list):
        pairs = _pairs(stored)
        if pairs is None:
            return any(agrees(declared, each) for each in stored)
        stored = pairs
    if not isinstance(stored, Mapping):
        return False
    return all(
        agrees(value, _found(stored, key))
        for key, value in declared.items()
        if not key.startswith("__") and value not in (None, "", 0, [], {})
    )


def _found(stored: Any, key: str) -> Any:
    """What stands under a name, here or further inside."""
    if not isinstance(stored, Mapping):
        return None
    known = {_plain(name): value for name, value in stored.items()}
    for name in (NAMES.get(("", key), key), key):
        if _plain(name) in known:
            return known[_plain(name)]
    inside = (_found(value, key) for value in stored.values())
    return next((each for each in inside if each is not None), None)


def _pairs(stored: Iterable[Any]) -> dict[str, Any] | None:
    """Lists of names and values are how AWS writes maps."""
    found = {}
    for each in stored:
        if not isinstance(each, Mapping):
            return None
        named = {_plain(key): value for key, value in each.items()}
        key = named.get("key") or named.get("tagkey") or named.get("name")
        if key is None or len(each) != 2:
            return None
        found[str(key)] = named.get("value", named.get("tagvalue"))
    return found


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError):
            return json.loads(value)
    return value


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    text = str(value)
    with suppress(ValueError):
        return _scalar(float(text))
    return text.lower() if text in ("True", "False") else text


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())
