"""Plain values to the engine and back, whatever they are."""

from typing import Any

import pulumi
import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from strongroom.provider.values import UNKNOWN, from_struct, has_unknown, to_struct

# Doubles, which protobuf's numbers are, hold whole numbers exactly up to this.
EXACT = 2**53

KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key != rpc._special_sig_key)
SCALARS = (
    st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number % 1)
    | st.text(max_size=12)
)
KNOWN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)
ANY = st.recursive(
    SCALARS | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(st.dictionaries(KEYS, KNOWN, max_size=5))
def test_known_values_come_back_as_they_went(values: dict[str, Any]) -> None:
    assert from_struct(to_struct(values)) == values


@given(st.dictionaries(KEYS, ANY, max_size=5))
def test_values_not_known_yet_come_back_in_their_places(values: dict[str, Any]) -> None:
    assert from_struct(to_struct(values)) == values


@given(st.dictionaries(KEYS, ANY, max_size=5))
def test_what_is_not_known_is_found_at_any_depth(values: dict[str, Any]) -> None:
    assert has_unknown(values) == ("UNKNOWN" in _leaves(values))


def _leaves(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_leaves(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_leaves(item) for item in value))
    return {"UNKNOWN"} if value is UNKNOWN else set()


@given(st.dictionaries(KEYS, KNOWN, max_size=4))
def test_the_engine_itself_reads_what_is_sent(values: dict[str, Any]) -> None:
    read = PropertyValue.unmarshal_map(to_struct(values))
    assert read.keys() == values.keys()


@given(KNOWN)
def test_what_the_sdk_wraps_as_secret_or_as_an_output_is_the_plain_value(value: Any) -> None:
    wrapped = PropertyValue.unmarshal_map(to_struct({"kept": value, "beside": 1}))
    hidden = {key: one.with_secret(True) for key, one in wrapped.items()}
    tracked = {key: one.with_dependencies({"urn:of:another"}) for key, one in hidden.items()}
    for each in (hidden, tracked):
        struct = PropertyValue.marshal_map(each)
        assert from_struct(struct) == {"kept": value, "beside": 1}
        told = from_struct(struct, lambda secret: ("secret", secret))
        assert told == {"kept": ("secret", value), "beside": ("secret", 1)}


def test_an_output_without_a_value_is_not_known() -> None:
    output = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}
    assert from_struct(to_struct({"later": output})) == {"later": UNKNOWN}


def test_a_file_is_the_map_it_is_sent_as() -> None:
    struct = PropertyValue.marshal_map({"code": PropertyValue(pulumi.FileAsset("a.zip"))})
    assert from_struct(struct)["code"]["path"] == "a.zip"


@given(st.integers(-EXACT, EXACT))
def test_whole_numbers_are_whole_again(number: int) -> None:
    (back,) = from_struct(to_struct({"n": number})).values()
    assert back == number
    assert type(back) is int


@given(st.booleans())
def test_true_and_false_are_no_numbers(value: bool) -> None:
    assert from_struct(to_struct({"b": value}))["b"] is value


def test_absent_properties_are_left_out_both_ways() -> None:
    assert dict(to_struct({"a": None, "b": 1}).fields).keys() == {"b"}
    struct = struct_pb2.Struct()
    struct.fields["gone"].null_value = struct_pb2.NULL_VALUE
    assert from_struct(struct) == {}


def test_a_set_is_sent_as_a_sorted_list() -> None:
    assert from_struct(to_struct({"s": {"b", "a"}, "t": ("x",)})) == {"s": ["a", "b"], "t": ["x"]}


def test_a_secret_is_unwrapped() -> None:
    struct = struct_pb2.Struct()
    struct["secret"] = {rpc._special_sig_key: rpc._special_secret_sig, "value": "hidden"}
    assert from_struct(struct) == {"secret": "hidden"}


@pytest.mark.parametrize(
    "kind", ["Bool", "Number", "String", "Array", "Asset", "Archive", "Object"]
)
def test_every_placeholder_of_the_engine_is_known_as_unknown(kind: str) -> None:
    # pulumi/sdk 3.259.0, go/common/resource/plugin/rpc.go.
    placeholder = {
        "Bool": "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "Number": "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "String": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "Array": "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "Asset": "030794c1-ac77-496b-92df-f27374a8bd58",
        "Archive": "e48ece36-62e2-4504-bad9-02848725956a",
        "Object": "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }[kind]
    struct = struct_pb2.Struct()
    struct.update({"plain": placeholder, "nested": {"in": ["a", placeholder]}})
    assert from_struct(struct) == {"plain": UNKNOWN, "nested": {"in": ["a", UNKNOWN]}}


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], {"a": [{"b": UNKNOWN}]}, (1, UNKNOWN)])
def test_unknown_is_found(value: Any) -> None:
    assert has_unknown(value)


def test_unknown_shows_itself_as_what_it_is() -> None:
    assert repr(UNKNOWN) == "UNKNOWN"
