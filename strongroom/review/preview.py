"""A preview of the engine as plain values: what would change, what drifted, what was refused."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Values = Mapping[str, Any]

_NOTHING: Values = MappingProxyType({})

CREATE, UPDATE, DELETE, REPLACE = "create", "update", "delete", "replace"


@dataclass(frozen=True)
class Step:
    """What would be done to one resource.

    Attributes:
        op: ``create``, ``update``, ``delete``, ``replace``, or another word of the engine's.
        urn: the resource's name in the engine.
        type: its type, such as ``postgresql:index/role:Role``.
        keys: the properties an update or a replacement is for, sorted.
        declared: its inputs at the last deployment; empty for a new one.
        found: its properties as they are now, as far as the preview looked.
        wanted: its inputs from now on; empty when it goes.
        gone: whether it was deployed and is not there any more.
    """

    op: str
    urn: str
    type: str
    keys: tuple[str, ...] = ()
    declared: Values = field(default_factory=lambda: _NOTHING, hash=False)
    found: Values = field(default_factory=lambda: _NOTHING, hash=False)
    wanted: Values = field(default_factory=lambda: _NOTHING, hash=False)
    gone: bool = False

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def intent(self) -> dict[str, Any]:
        """What exactly would be done, for comparing two previews."""
        return {
            "op": self.op,
            "urn": self.urn,
            "from": {key: self.found.get(key) for key in self.keys},
            "to": {key: self.wanted.get(key) for key in self.keys} or dict(self.wanted),
        }

    @property
    def drift(self) -> tuple[str, ...]:
        """What was changed by hand and would be put right, a phrase each."""
        if self.op == CREATE:
            return ("it is gone",) if self.gone else ()
        told = self.found.get("drift")
        lines = [str(line) for line in told] if isinstance(told, (list, tuple)) else []
        silent = [key for key in self.keys if key != "drift" and self._by_hand(key)]
        return (*lines, *(f"{key} was changed" for key in silent))

    def _by_hand(self, key: str) -> bool:
        """Whether the program says the same of a property as it did, and the property differs."""
        return self.op == UPDATE and self.declared.get(key) == self.wanted.get(key)


@dataclass(frozen=True)
class Violation:
    """A policy that a resource does not satisfy.

    Attributes:
        policy: the policy's name, with its pack.
        mandatory: whether nothing is applied while it stands.
        urn: the resource; empty for the stack as a whole.
        message: the policy's own words.
    """

    policy: str
    mandatory: bool
    urn: str
    message: str


@dataclass(frozen=True)
class Preview:
    """One preview.

    Attributes:
        steps: what would be done, sorted by URN; nothing that stays as it is.
        unprotected: URNs of resources whose `protect` would be switched off.
        violations: what policies object to.
        policies: how many policies were asked; None when the preview does not tell.
        errors: why it failed; empty when it did not.
        notes: what plugins said of single resources, such as that a server would restart.
        unchanged: how many resources stay as they are.
    """

    steps: tuple[Step, ...] = ()
    unprotected: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    policies: int | None = None
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0

    @property
    def fingerprint(self) -> str:
        """Equal for two previews that would do exactly the same."""
        return digest([self.intents, self.unprotected])

    @property
    def intents(self) -> dict[str, str]:
        """For each resource that would change a digest of what would be done to it."""
        return {step.urn: f"{step.op} {digest(step.intent)}" for step in self.steps}

    @property
    def drifted(self) -> tuple[Step, ...]:
        """The steps that put right what was changed by hand."""
        return tuple(step for step in self.steps if step.drift)


def digest(value: Any) -> str:
    """The same for equal JSON, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
