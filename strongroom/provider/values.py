"""Property values as plain Python, and back.

The engine sends protobuf structs in which numbers are floats, secrets and outputs are wrapped
and values not yet known are placeholders. Handlers see plain dicts, lists, strings, numbers,
booleans and `UNKNOWN`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf import struct_pb2


class _Unknown:
    """The value of a property that only a later step of the deployment will give."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()

# What the engine sends in place of a value that is not known yet: one for each type it may have
# (pulumi/sdk, go/common/resource/plugin/rpc.go: UnknownBoolValue and those after it).
_TEXT_NOT_KNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_NOT_KNOWN = frozenset(
    {
        _TEXT_NOT_KNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


# The key by which a map is told to wrap something, and what it may wrap here (pulumi/sdk,
# go/common/resource/sig/sig.go: Key, Secret, OutputValue).
_WRAPPED = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, no secret
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

#: What to make of a secret's value.
Secret = Callable[[Any], Any]


def _open(value: Any) -> Any:
    return value


def from_struct(struct: struct_pb2.Struct, secret: Secret = _open) -> dict[str, Any]:
    """Turn what the engine sent into plain values; a null property counts as absent.

    Args:
        struct: the properties.
        secret: what to make of the plain value of a secret; usually nothing else.

    Returns:
        By name. A file, an archive and a resource are the maps they are sent as.
    """
    values = ((key, _plain(value, secret)) for key, value in struct.fields.items())
    return {key: value for key, value in values if value is not None}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Turn plain values into what the engine reads; None is left out."""
    struct = struct_pb2.Struct()
    struct.update({key: _sent(value) for key, value in values.items() if value is not None})
    return struct


def has_unknown(value: Any) -> bool:
    """Whether `value` is, or holds at any depth, a value that is not known yet."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(item) for item in value)
    return False


def _plain(value: struct_pb2.Value, secret: Secret) -> Any:
    # Not by the SDK's `PropertyValue`, which keeps what no handler asks for: with 1,000 roles it
    # took longer than all that is done with them in a preview.
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _NOT_KNOWN else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_plain(item, secret) for item in value.list_value.values]
    if kind == "struct_value":
        return _unwrapped(value.struct_value.fields, secret)
    return None


def _unwrapped(fields: Mapping[str, struct_pb2.Value], secret: Secret) -> Any:
    """A map, or what the engine wraps in one."""
    wrapping = fields[_WRAPPED].string_value if _WRAPPED in fields else ""
    if wrapping not in (_SECRET, _OUTPUT):
        return {key: _plain(item, secret) for key, item in fields.items()}
    # An output without a value is one that is not known yet.
    value = _plain(fields["value"], secret) if "value" in fields else UNKNOWN
    hidden = wrapping == _SECRET or ("secret" in fields and fields["secret"].bool_value)
    return secret(value) if hidden else value


def _sent(value: Any) -> Any:
    if value is UNKNOWN:
        return _TEXT_NOT_KNOWN
    if isinstance(value, Mapping):
        return {key: _sent(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_sent(item) for item in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [_sent(item) for item in value]
    return value
