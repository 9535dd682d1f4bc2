"""`strongroom iam`: the policies of IAM that a stack on AWS needs."""

import json
import re
from collections.abc import Callable
from typing import Annotated

import typer

from strongroom.aws_names import Names
from strongroom.cli.options import StackOption
from strongroom.declaration import Declaration
from strongroom.errors import SettingsError
from strongroom.permissions.documents import Document, Stack

_KINDS = ("preview", "up", "break-glass")


def iam(
    who: Annotated[
        str, typer.Argument(help="preview, up, break-glass, or the role of an engineer.")
    ],
    stack: StackOption = "production",
    account: Annotated[
        str, typer.Option("--account", help="The account's number; left out, that of roles named.")
    ] = "",
    instance: Annotated[
        list[str] | None,
        typer.Option("--resource-id", help="An instance's resource id, db-…; can be repeated."),
    ] = None,
) -> None:
    """Print the policy that somebody needs on a stack on AWS, as JSON for IAM; asks AWS nothing."""
    declared = Declaration.load(stack)
    settings = declared.settings
    if settings.platform != "aws":
        raise _refused(stack, f"the stack {stack} is not on AWS, so nobody needs a policy there")
    found = Stack(
        names=Names(stack, settings.aws.existing.identifier),
        account=account or _account(declared),
        region=settings.aws.region,
        copy_region=settings.aws.copy_region,
        protected=settings.deletion_protection,
        instances=tuple(instance or ()),
    )
    if not re.fullmatch(r"\d{12}", found.account):
        raise _refused(
            stack,
            f"the account is {found.account!r}, not 12 digits, so no policy could name what is "
            "in it. Give --account, as `aws sts get-caller-identity` tells it",
        )
    documents: dict[str, Callable[[], Document]] = {
        "preview": found.preview,
        "up": found.up,
        "break-glass": found.break_glass,
    }
    if who not in documents and who not in [member.role for member in declared.members]:
        raise _refused(
            stack,
            f"{who!r} is neither {', '.join(_KINDS)} nor an engineer of {stack}, so there is no "
            "policy for it. The roster says who is",
        )
    document = documents[who]() if who in documents else found.person(who)
    typer.echo(json.dumps(document, indent=2))


def _account(declared: Declaration) -> str:
    """The one that the settings' roles are in; empty when they name none, or several."""
    aws = declared.settings.aws
    arns = [*aws.pipeline_roles, *aws.break_glass_roles]
    accounts = {arn.split(":")[4] for arn in arns}
    return accounts.pop() if len(accounts) == 1 else ""


def _refused(stack: str, problem: str) -> SettingsError:
    return SettingsError(f"strongroom iam --stack {stack}", [f"{problem}."])
