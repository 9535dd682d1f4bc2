"""Property values as plain Python, and back.

The engine sends protobuf structs in which numbers are floats, secrets and outputs are wrapped
and values not yet known are placeholders. Handlers see plain dicts, lists, strings, numbers,
booleans and `UNKNOWN`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc


class _Unknown:
    """The value of a property that only a later step of the deployment will give."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Turn what the engine sent into plain values; a null property counts as absent."""
    values = PropertyValue.unmarshal_map(struct)
    return {key: _plain(value) for key, value in values.items() if value.value is not None}


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


def _plain(wrapped: PropertyValue) -> Any:
    value = wrapped.value
    if isinstance(value, Computed):
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
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
