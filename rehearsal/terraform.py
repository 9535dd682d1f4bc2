"""The stack as a Terraform plan, for tools that read one: the same provider, under its own names.

The resources are those of the engine's state; secrets stay sealed. The names are Terraform's, by
toolchain/aws/types.txt and the rule by which the bridge makes pulumi-aws of it, turned round.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rehearsal.engine import Resource

#: Where the SDK's name of a property is not the rule, by type and property.
_NAMES: Mapping[tuple[str, str], str] = {
    ("backup/RestoreTestingSelection", "protectedResourceConditions"): "conditions",
    ("cloudwatch/MetricAlarm", "name"): "alarm_name",
    ("cloudwatch/MetricAlarm", "metricQueries"): "metric_query",
    ("cloudwatch/EventTarget", "sqsTarget"): "sqs_target",
    ("backup/Plan", "rules"): "rule",
    ("kms/Key", "isEnabled"): "is_enabled",
    ("lambda/Function", "name"): "function_name",
    ("lambda/Function", "code"): "filename",
    ("lambda/Permission", "function"): "function_name",
    ("rds/Instance", "dbName"): "db_name",
    ("rds/EventSubscription", "snsTopic"): "sns_topic",
    ("rds/ParameterGroup", "parameters"): "parameter",
    ("sns/TopicSubscription", "topic"): "topic_arn",
    ("", "copyActions"): "copy_action",
    ("", "inputPaths"): "input_paths",
}

#: Properties that are maps of whatever names, and no blocks.
_MAPS = ("tags", "tags_all", "variables", "dimensions", "input_paths", "triggers", "parameters")


def types(checkout: Path) -> dict[str, str]:
    """For each of the SDK's types Terraform's, such as ``rds/Instance``: ``aws_db_instance``."""
    lines = (checkout / "toolchain" / "aws" / "types.txt").read_text().splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {pair[0]: pair[1] for pair in pairs}


def plan(resources: Iterable[Resource], known: Mapping[str, str]) -> dict[str, Any]:
    """What `terraform show -json` would say of a plan that makes all of them.

    Args:
        resources: of the engine's state.
        known: the types, as `types` gives them.
    """
    found = [_planned(each, known[each.kind]) for each in resources if each.kind in known]
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": found}},
        "resource_changes": [
            {
                **{key: each[key] for key in ("address", "mode", "type", "name", "provider_name")},
                "change": {"actions": ["create"], "before": None, "after": each["values"]},
            }
            for each in found
        ],
        "configuration": {"root_module": {"resources": _configured(found)}},
    }


def _configured(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which resource names which: the values tell, since ids and ARNs are one of a kind."""
    owners: dict[str, str] = {}
    for each in planned:
        for key in _HANDLES:
            owners.setdefault(str(each["values"].get(key) or each["address"]), each["address"])
    found = []
    for each in planned:
        named = {
            key: [owners[text] for text in _texts(value) if text in owners]
            for key, value in each["values"].items()
        }
        expressions = {
            key: {"references": [part for name in names for part in (f"{name}.id", name)]}
            for key, names in named.items()
            if names and names != [each["address"]]
        }
        kept = {key: each[key] for key in ("address", "mode", "type", "name")}
        found.append({**kept, "expressions": expressions})
    return found


#: What others know a resource by.
_HANDLES = ("id", "arn", "identifier", "name")


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _planned(resource: Resource, kind: str) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", resource.name)
    declared = {**resource.outputs, **resource.inputs}
    return {
        "address": f"{kind}.{name}",
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "schema_version": 0,
        "values": {**_block(resource.kind, declared), "id": resource.id},
    }


def _block(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    named = {_name(kind, key): value for key, value in values.items() if not key.startswith("__")}
    return {key: _value(key, value) for key, value in named.items()}


def _value(key: str, value: Any) -> Any:
    """Pulumi writes a block that may stand once as an object, Terraform as a list of one."""
    if isinstance(value, Mapping):
        if any(mark in value for mark in _MARKS):
            return "(sealed)"
        return dict(value) if key in _MAPS else [_block("", value)]
    if isinstance(value, list):
        return [_block("", each) if isinstance(each, Mapping) else each for each in value]
    return value


#: Of a secret, an archive or a file in the engine's state (Pulumi's resource/properties.go).
_MARKS = ("4dabf18193072939515e22adb298388d",)


def _name(kind: str, key: str) -> str:
    special = _NAMES.get((kind, key)) or _NAMES.get(("", key))
    return special or re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
