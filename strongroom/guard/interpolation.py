"""Variables inside values, as shells, dotenv, docker compose and Spring write them."""

import re
from collections.abc import Mapping

_INNERMOST = re.compile(
    r"\$\{(?P<name>[A-Za-z_][\w.-]*?)(?:(?P<rule>:-|:\?|:\+|[-?+:])(?P<word>[^${}]*))?\}"
    r"|\$(?P<bare>[A-Za-z_]\w*)"
)
#: Rounds; variables nested deeper than this are left as they are.
_DEEPEST = 8
#: Characters; a value that grows beyond this is no host.
_LONGEST = 65_536


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Put values in place of variables; one without a value or a default becomes empty.

    Understood are ``$X``, ``${X}``, the shell's rules behind a name (``:-``, ``-``, ``:+``,
    ``+``, ``:?``, ``?``) and Spring's ``${X:default}``.

    Args:
        text: a value as written.
        variables: what is known.
    """
    for _ in range(_DEEPEST):
        replaced = _INNERMOST.sub(lambda found: _value(found, variables), text)
        if replaced == text or len(replaced) > _LONGEST:
            break
        text = replaced
    return text


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name = found["name"] or found["bare"]
    value, word = variables.get(name), found["word"] or ""
    match found["rule"]:
        case ":+":
            return word if value else ""
        case "+":
            return word if value is not None else ""
        case "-":
            return word if value is None else value
        case ":-" | ":":
            return value or word
        case _:
            return value or ""
