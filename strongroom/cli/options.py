"""Options and exit codes that several commands share."""

from typing import Annotated

import typer

#: The exit code of a command that looked and found something wrong.
NOT_AS_IT_SHOULD_BE = 3

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
StackOption = Annotated[
    str,
    typer.Option("--stack", "-s", envvar="STRONGROOM_STACK", help="The stack to speak of."),
]
