"""Property values as plain Python, and back.

The engine sends protobuf structs in which numbers are floats, secrets and outputs are wrapped
and values not yet known are placeholders. Handlers see plain dicts, lists, strings, numbers,
booleans and `UNKNOWN`.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc


class _Unknown:
    """The value of a property that only a later step of the deployment will give."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()

# What the engine sends in place of a value that is not known yet: one for each type it may have
# (pulumi/sdk, go/common/resource/plugin/rpc.go: UnknownBoolValue and those after it).
_NOT_KNOWN = frozenset(
    {
        rpc.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Turn what the engine sent into plain values; a null property counts as absent."""
    values = PropertyValue.unmarshal_map(struct)
    return {key: plain(value) for key, value in values.items() if value.value is not None}


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


def plain(wrapped: PropertyValue) -> Any:
    """Turn one value as the SDK wraps it into a plain one, also a secret."""
    value = wrapped.value
    if isinstance(value, str):
        return UNKNOWN if value in _NOT_KNOWN else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _sent(value: Any) -> Any:
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _sent(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_sent(item) for item in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [_sent(item) for item in value]
    return value
