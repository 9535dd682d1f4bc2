"""What AWS Backup holds in one region, and what it says of what is not there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rehearsal.simulator.calls import Call, RefusedError

Document = dict[str, Any]

#: One call of the API: method, path as a pattern, and what answers it.
Route = tuple[str, str, Callable[..., Document]]

#: A name or an id within a path.
NAME = "([^/]+)"


@dataclass
class Region:
    """What one region holds, by name or id."""

    vaults: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Document] = field(default_factory=dict)
    selections: dict[tuple[str, str], Document] = field(default_factory=dict)
    testing: dict[str, Document] = field(default_factory=dict)
    tested: dict[tuple[str, str], Document] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


def existing(held: dict[Any, Any], key: Any, what: str) -> Any:
    """What is held, or that it is not.

    Raises:
        RefusedError: it is not there.
    """
    if key not in held:
        raise RefusedError("ResourceNotFoundException", f"Cannot find {what} {key}", 404)
    return held[key]


def fresh(held: dict[Any, Any], key: Any, what: str) -> None:
    """Refuse what is there already.

    Raises:
        RefusedError: it is.
    """
    if key in held:
        raise RefusedError("AlreadyExistsException", f"{what} {key} exists already")


def arn_of(call: Call, kind: str, name: str) -> str:
    """The ARN of something in the region of a call."""
    return f"arn:aws:backup:{call.scope.region}:{call.account}:{kind}:{name}"
