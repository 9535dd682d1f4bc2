"""The graph of a stack as text that a review can read, kept in tests/unit/graphs.

``make graphs`` writes it anew; what that changes is what a change of the program does.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime import rpc

from tests.unit.aws_stack import CHECKOUT, ENVIRONMENTS, declare
from tests.unit.recording_engine import Recording, Registered

GRAPHS = Path(__file__).with_name("graphs")

#: The options that decide what becomes of a resource, by the engine's names.
_OPTIONS = ("protect", "retainOnDelete", "deleteBeforeReplace", "ignoreChanges", "deletedWith")

#: What stands for a secret or a file; what is in it is nobody's business here.
_INSTEAD = {
    rpc._special_secret_sig: "<secret>",
    rpc._special_archive_sig: "<archive>",
    rpc._special_asset_sig: "<asset>",
}


class Graph:
    """What a program registered, as YAML: a tree, each resource with what it is told."""

    def __init__(self, stack: Recording) -> None:
        self._stack = stack
        self._titles = {each.urn: _title(each) for each in stack.registered}
        self._within = {each.urn: frozenset(self._leaves(each)) for each in stack.registered}

    def render(self) -> str:
        """The text, the same for the same program on every machine."""
        (root,) = (each for each in self._stack.registered if not each.request.parent)
        tree = {_title(root): self._told(root)}
        return yaml.safe_dump(tree, sort_keys=False, width=100, allow_unicode=True)

    def _told(self, one: Registered) -> dict[str, Any]:
        """A resource: options, inputs, what it waits for, and its children under their titles."""
        options = {name: self._option(getattr(one.request, name)) for name in _OPTIONS}
        children = sorted(self._stack.children(one.urn), key=_title)
        parts = {
            **options,
            "inputs": self._plain(one.inputs),
            "after": self._after(one.request.dependencies),
            "children": {_title(each): self._told(each) for each in children},
        }
        return {key: value for key, value in parts.items() if value}

    def _option(self, value: Any) -> Any:
        return value if isinstance(value, bool) else self._plain(value)

    def _after(self, urns: Iterable[str]) -> list[str]:
        """What it waits for; a component for all that is in it, as the program says it."""
        waiting = set(urns)
        whole = {
            urn for urn, within in self._within.items() if len(within) > 1 and within <= waiting
        }
        covered = {leaf for urn in whole for leaf in self._within[urn]}
        outermost = {
            urn for urn in whole if not any(self._within[urn] < self._within[one] for one in whole)
        }
        return sorted(self._titles[urn] for urn in (waiting - covered) | outermost)

    def _leaves(self, one: Registered) -> Iterable[str]:
        """The resources that waiting for a component means."""
        if one.type.startswith("strongroom:components:"):
            for child in self._stack.children(one.urn):
                within = self._leaves(child) if not child.request.custom else [child.urn]
                yield from within

    def _plain(self, value: Any) -> Any:
        """Without what is another in every run or on every machine; policies as what they say."""
        if isinstance(value, dict):
            if rpc._special_sig_key in value:
                return _INSTEAD[value[rpc._special_sig_key]]
            told = {str(key): self._plain(value[key]) for key in sorted(value)}
            return {key: each for key, each in told.items() if each is not None}
        if isinstance(value, str):
            return self._titles.get(value) or self._text(value)
        if isinstance(value, float):
            return int(value) if value.is_integer() else value
        if isinstance(value, Iterable):
            return [self._plain(each) for each in value]
        return value if value is None or isinstance(value, int) else f"<{type(value).__name__}>"

    def _text(self, value: str) -> Any:
        if value.startswith(("{", "[")):
            try:
                return self._plain(json.loads(value))
            except ValueError:
                pass
        value = value.replace(str(CHECKOUT), "<checkout>")
        # A digest changes with every line of code; what it stands for is reviewed there.
        return re.sub(r"\b(?=\d*[a-f])[0-9a-f]{12,64}\b", "<digest>", value)


def _title(one: Registered) -> str:
    """Name and kind: a rule and its target may share the name."""
    return f"{one.name} ({one.type.rsplit(':', 1)[-1]})"


def render(environment: str) -> str:
    """The graph of an environment's stack, as its files declare it."""
    return Graph(declare(environment)).render()


if __name__ == "__main__":
    GRAPHS.mkdir(exist_ok=True)
    for name in ENVIRONMENTS:
        (GRAPHS / f"{name}.yaml").write_text(render(name))
