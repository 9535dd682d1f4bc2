"""`strongroom existing`: what `pulumi import` reads of the instance that a stack takes over."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import typer

from strongroom.aws_names import Names
from strongroom.cli.options import StackOption
from strongroom.declaration import Declaration
from strongroom.errors import SettingsError, StrongroomError
from strongroom.provider.aws.existing import UnseenError, look

_INSTANCE, _LOG = "aws:rds/instance:Instance", "aws:cloudwatch/logGroup:LogGroup"


def existing(stack: StackOption = "production") -> None:
    """Print the file for `pulumi import` of the instance that a stack takes over.

    Asks AWS what the instance is and which logs it hands over; changes nothing.
    """
    settings = Declaration.load(stack).settings
    given = settings.aws.existing
    if not given.identifier:
        problem = f"the stack {stack} takes no instance over, so there is nothing to import"
        remedy = "Name the instance as existing.identifier in strongroom:aws"
        raise SettingsError(f"stack {stack}", [f"{problem}. {remedy}"])
    found = _found(given.identifier, settings.aws.region)
    typer.echo(json.dumps({"resources": _resources(given.identifier, found)}, indent=2))


def _found(identifier: str, region: str) -> Mapping[str, Any]:
    try:
        found = look(identifier, region)
    except UnseenError as error:
        raise StrongroomError(
            f"The instance {identifier} in {region} could not be looked at: "
            f"{error}. Nothing was changed. Whoever runs this needs "
            "rds:DescribeDBInstances, as `strongroom iam preview` tells."
        ) from error
    if not found:
        raise StrongroomError(
            f"There is no instance {identifier!r} in {region}, so there is nothing to import. "
            "Write its identifier as `aws rds describe-db-instances` does."
        )
    return found


def _resources(identifier: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The instance and the logs there are, by their names in the program (`components.aws`)."""
    there = [
        (_INSTANCE, "primary-instance", identifier),
        *(
            (_LOG, f"primary-log-{export}", Names.log_group(identifier, export))
            for export in found.get("EnabledCloudwatchLogsExports", ())
        ),
    ]
    plugin = version("pulumi-aws")
    return [
        {"type": "strongroom:components:Primary", "name": "primary", "component": True},
        *(
            {"type": kind, "name": name, "id": where, "parent": "primary", "version": plugin}
            for kind, name, where in there
        ),
    ]
