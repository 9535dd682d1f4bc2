"""The package schema Pulumi asks a plugin for, made from the property models.

Source of the format: Pulumi package schema reference, "Package" and "Resource".
"""

import json
from collections.abc import Iterable
from typing import Any

from strongroom.provider.resource import Properties, Resource


def package_schema(
    name: str,
    version: str,
    description: str,
    resources: Iterable[Resource[Any]],
    config: type[Properties] | None = None,
) -> str:
    """Describe a plugin's resources as a Pulumi package schema.

    Args:
        name: the package, for example ``strongroom``.
        version: semantic version without a leading v.
        description: one sentence for people.
        resources: the resource types the plugin serves.
        config: the provider's own settings, when it has any.

    Returns:
        JSON text.
    """
    settings = _properties(config) if config else {}
    schema = {
        "name": name,
        "version": version,
        "description": description,
        "license": "Apache-2.0",
        "meta": {"moduleFormat": "(.*)"},
        "config": {"variables": settings},
        "provider": {"inputProperties": settings},
        "resources": {resource.token: _resource(resource) for resource in resources},
    }
    return json.dumps(schema, indent=2, sort_keys=True)


def _resource(resource: Resource[Any]) -> dict[str, Any]:
    inputs = _properties(resource.Inputs)
    outputs = _properties(resource.Outputs)
    always = [_alias(resource.Outputs, name) for name in resource.Outputs.model_fields]
    return {
        "description": (type(resource).__doc__ or "").strip(),
        "inputProperties": inputs,
        "requiredInputs": sorted(
            _alias(resource.Inputs, name)
            for name, info in resource.Inputs.model_fields.items()
            if info.is_required()
        ),
        "properties": inputs | outputs,
        "required": sorted(always),
    }


def _alias(model: type[Properties], name: str) -> str:
    return model.model_fields[name].alias or name


def _properties(model: type[Properties]) -> dict[str, Any]:
    described = model.model_json_schema(by_alias=True)["properties"]
    return {name: _property(schema) for name, schema in described.items()}


def _property(schema: dict[str, Any]) -> dict[str, Any]:
    """One property: a JSON Schema of pydantic's narrowed to what Pulumi knows."""
    shape = schema
    if "anyOf" in schema:
        shape = next(option for option in schema["anyOf"] if option.get("type") != "null")
    known: dict[str, Any] = {"type": shape["type"]}
    if "items" in shape:
        known["items"] = _property(shape["items"])
    if isinstance(shape.get("additionalProperties"), dict):
        known["additionalProperties"] = _property(shape["additionalProperties"])
    if "description" in schema:
        known["description"] = schema["description"]
    if isinstance(schema.get("default"), (bool, int, float, str)):
        known["default"] = schema["default"]
    if schema.get("willReplaceOnChanges"):
        known["willReplaceOnChanges"] = True
    if schema.get("secret"):
        known["secret"] = True
    return known
