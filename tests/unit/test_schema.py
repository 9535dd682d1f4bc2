"""The package schema, and the declarations that must agree with it."""

import inspect
import json
import typing
from typing import Any

import pytest
from pydantic import Field
from pydantic.alias_generators import to_camel

from strongroom import __version__
from strongroom.provider import sdk
from strongroom.provider.__main__ import plugin
from strongroom.provider.resource import Properties, replacing
from strongroom.provider.schema import package_schema

SCHEMA: dict[str, Any] = json.loads(plugin().schema())
RESOURCES: dict[str, Any] = SCHEMA["resources"]

#: The types of Pulumi's package schema that we use.
TYPES = {"string", "integer", "number", "boolean", "array", "object"}

DECLARED = [
    *(sdk.Primary, sdk.Replica, sdk.RootSecret),
    *(sdk.SnapshotPolicy, sdk.Agent, sdk.People, sdk.AwsPeople),
    *(sdk.Logging, sdk.Memberships, sdk.Matrix, sdk.Lasting),
]


def test_the_package_says_what_it_is() -> None:
    assert SCHEMA["name"] == "strongroom"
    assert SCHEMA["version"] == __version__
    assert SCHEMA["description"]


@pytest.mark.parametrize("token", RESOURCES)
def test_every_resource_and_every_property_is_described_with_a_type(token: str) -> None:
    resource = RESOURCES[token]
    assert resource["description"]
    for name, told in {**resource["inputProperties"], **resource["properties"]}.items():
        assert told["type"] in TYPES, name
        assert told.get("description"), f"{token}.{name} has no description"
        assert ("items" in told) == (told["type"] == "array")


@pytest.mark.parametrize("token", RESOURCES)
def test_every_input_is_a_property_and_required_ones_exist(token: str) -> None:
    resource = RESOURCES[token]
    assert resource["inputProperties"].keys() <= resource["properties"].keys()
    assert set(resource["requiredInputs"]) <= resource["inputProperties"].keys()
    assert set(resource["required"]) <= resource["properties"].keys()


def test_no_property_is_a_secret_or_could_hold_one() -> None:
    for token, resource in RESOURCES.items():
        for name, told in resource["properties"].items():
            assert "secret" not in told
            assert "password" not in name.lower(), f"{token}.{name}"


def test_what_cannot_be_changed_in_place_is_marked() -> None:
    replacing_inputs = {
        f"{token.split(':')[-1]}.{name}"
        for token, resource in RESOURCES.items()
        for name, told in resource["inputProperties"].items()
        if told.get("willReplaceOnChanges")
    }
    assert replacing_inputs == {
        "Primary.directory", "Primary.database", "Replica.directory", "Replica.primary",
        "RootSecret.directory",
        "Agent.directory",
        "People.directory", "People.function",
        "SnapshotPolicy.directory",
        "SnapshotPolicy.vault",
    }  # fmt: skip


def test_defaults_are_told() -> None:
    inputs = RESOURCES["strongroom:local:Primary"]["inputProperties"]
    assert inputs["deletionProtection"]["default"] is True
    assert inputs["port"]["default"] == 0
    secret = RESOURCES["strongroom:local:RootSecret"]["inputProperties"]
    assert secret["maxAgeDays"]["default"] == 30


def test_lists_and_maps_say_what_they_hold() -> None:
    class Odd(Properties):
        """Every shape."""

        names: list[str] = Field(default=[])
        nested: dict[str, dict[str, str]] = Field(default={})
        perhaps: int | None = None
        fixed: str = replacing(description="fixed")

    class Some(plugin().resource("a::b::strongroom:local:Primary").__class__):  # type: ignore[misc]
        """Some."""

        Inputs = Odd
        token = "x:y:Z"

    schema = json.loads(package_schema("x", "1.0.0", "X.", [Some()]))
    inputs = schema["resources"]["x:y:Z"]["inputProperties"]
    assert inputs["names"]["items"] == {"type": "string"}
    assert inputs["nested"]["additionalProperties"] == {
        "type": "object",
        "additionalProperties": {"type": "string"},
    }
    assert inputs["perhaps"]["type"] == "integer"
    assert inputs["fixed"]["willReplaceOnChanges"] is True
    assert schema["resources"]["x:y:Z"]["requiredInputs"] == ["fixed"]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.__name__)
def test_a_declaration_names_a_type_the_plugin_serves_and_its_outputs(
    declared: type[sdk._Declared],
) -> None:
    resource = RESOURCES[declared.token]
    outputs = {to_camel(name) for name in declared.outputs}
    only_outputs = resource["properties"].keys() - resource["inputProperties"].keys()
    assert only_outputs <= outputs
    assert outputs <= resource["properties"].keys()


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.__name__)
def test_every_property_a_program_can_read_is_one_of_the_schemas_with_its_type(
    declared: type[sdk._Declared],
) -> None:
    properties = RESOURCES[declared.token]["properties"]
    kinds = {"string": str, "integer": int, "boolean": bool}
    for name, annotation in inspect.get_annotations(declared).items():
        (kind,) = typing.get_args(annotation)
        assert kinds[properties[to_camel(name)]["type"]] is kind, name


def test_every_type_the_plugin_serves_can_be_declared() -> None:
    assert {declared.token for declared in DECLARED} == RESOURCES.keys()
