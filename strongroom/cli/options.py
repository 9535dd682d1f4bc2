"""Options that several commands share."""

from typing import Annotated

import typer

StackOption = Annotated[
    str,
    typer.Option("--stack", "-s", envvar="STRONGROOM_STACK", help="The stack to speak of."),
]
