"""The tags of a resource, which most services tell by a call of their own."""

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.engine import Resource

#: By the service's name in an ARN: boto3's name of it, the call, its parameter, and its answer.
_CALLS: Mapping[str, tuple[str, str, str, str]] = {
    "backup": ("backup", "list_tags", "ResourceArn", "Tags"),
    "cloudwatch": ("cloudwatch", "list_tags_for_resource", "ResourceARN", "Tags"),
    "events": ("events", "list_tags_for_resource", "ResourceARN", "Tags"),
    "kms": ("kms", "list_resource_tags", "KeyId", "Tags"),
    "lambda": ("lambda", "list_tags", "Resource", "Tags"),
    "logs": ("logs", "list_tags_for_resource", "resourceArn", "tags"),
    "rds": ("rds", "list_tags_for_resource", "ResourceName", "TagList"),
    "sns": ("sns", "list_tags_for_resource", "ResourceArn", "Tags"),
}


def tags_of(client: Callable[[str], Any], resource: Resource) -> dict[str, Any]:
    """What to add to an answer that holds no tags; empty where nothing is known."""
    arn = str(resource.outputs.get("arn", ""))
    call = _CALLS.get(arn.split(":")[2] if arn.startswith("arn:") else "")
    if call is None or not resource.inputs.get("tags"):
        return {}
    service, operation, parameter, key = call
    return {"tags": getattr(client(service), operation)(**{parameter: arn})[key]}
