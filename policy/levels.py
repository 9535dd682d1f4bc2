"""How strictly an environment is held to the rules."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from strongroom.errors import StrongroomError

#: The file that says which environments are held less strictly.
LEVELS = Path(__file__).with_name("levels.yaml")
#: Always held in full.
PRODUCTION = "production"


class Level(StrEnum):
    """What becomes of an objection."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


def level_of(environment: str, path: Path = LEVELS) -> Level:
    """How strictly an environment is held; one that nobody named, as production is.

    Args:
        environment: the stack's name.
        path: the file that names what is held less strictly.

    Raises:
        StrongroomError: the file is none, or would let production go.
    """
    try:
        content: Any = yaml.safe_load(path.read_text()) or {}
        levels = {str(name): Level(level) for name, level in content.items()}
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise StrongroomError(
            f"{path} is not a list of environments with mandatory or advisory beside each "
            f"({' '.join(str(error).split())}), so it is not known how strictly {environment} is "
            "held and nothing was done. Put it right; an environment left out is held in full."
        ) from error
    if levels.get(PRODUCTION, Level.MANDATORY) is not Level.MANDATORY:
        raise StrongroomError(
            f"{path} calls {PRODUCTION} {levels[PRODUCTION]}, and {PRODUCTION} is always held to "
            "every rule, so nothing was done. Remove the line, and change what a rule objects to."
        )
    return levels.get(environment, Level.MANDATORY)
