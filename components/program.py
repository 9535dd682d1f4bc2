"""What the program starts from: the declaration of its stack, and the platforms there are."""

import json
import os

import pulumi

from components import local
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError

PLATFORMS = {"local": local}


def declared() -> Declaration:
    """Everything the files and the configuration of this stack declare.

    Raises:
        pulumi.RunError: a mistake in them, told without a traceback.
    """
    try:
        values = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
        return Declaration.load(pulumi.get_stack(), values)
    except StrongroomError as error:
        raise pulumi.RunError(str(error)) from error
