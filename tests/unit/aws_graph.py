"""The graph of a stack as text that a review can read, kept in tests/unit/graphs.

``make graphs`` writes it anew; what that changes is what a change of the program does.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime import rpc

from tests.unit.aws_stack import CHECKOUT, ENVIRONMENTS, declare
from tests.unit.recording_engine import Recording, Registered

GRAPHS = Path(__file__).with_name("graphs")

#: The options that decide what becomes of a resource, by the engine's names.
_OPTIONS = ("protect", "retainOnDelete", "deleteBeforeReplace", "ignoreChanges", "deletedWith")


def render(stack: Recording) -> str:
    """The resources of a stack as YAML: its tree, and each with what it is told."""
    names = {each.urn: each.name for each in stack.registered}
    roots = [each for each in stack.registered if each.request.parent not in names]
    tree = {each.name: _below(stack, each) for each in roots}
    return yaml.safe_dump(_plain(tree, names), sort_keys=False, width=100, allow_unicode=True)


def _below(stack: Recording, one: Registered) -> dict[str, Any]:
    """A resource: type, options, inputs, and its children under their names."""
    options = {name: _option(getattr(one.request, name)) for name in _OPTIONS}
    told = {name: value for name, value in options.items() if value}
    children = {
        f"{each.name} ({each.type})": _below(stack, each)
        for each in sorted(stack.children(one.urn), key=lambda each: each.urn)
    }
    inputs = {key: one.inputs[key] for key in sorted(one.inputs) if one.inputs[key] is not None}
    after = sorted(set(one.request.dependencies))
    parts = {"type": one.type, **told, "inputs": inputs, "after": after, "children": children}
    return {key: value for key, value in parts.items() if value}


def _option(value: Any) -> Any:
    return value if isinstance(value, str | bool) else list(value)


def _plain(value: Any, names: dict[str, str]) -> Any:
    """Without what is another on every machine or in every run, policies as what they say."""
    if isinstance(value, dict):
        if rpc._special_sig_key in value:
            return _special(value)
        return {str(key): _plain(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, names) for each in value]
    if isinstance(value, str):
        return names[value] if value in names else _text(value, names)
    return value if isinstance(value, bool | int | float | None) else f"<{type(value).__name__}>"


def _special(value: dict[str, Any]) -> str:
    """A secret, an asset: what it is, never what is in it."""
    known = {rpc._special_secret_sig: "<secret>", rpc._special_archive_sig: "<archive>"}
    return known.get(value[rpc._special_sig_key], "<asset>")


def _text(value: str, names: dict[str, str]) -> Any:
    if value == rpc.UNKNOWN:
        return "<not known yet>"
    if value.startswith(("{", "[")):
        try:
            return _plain(json.loads(value), names)
        except ValueError:
            pass
    value = value.replace(str(CHECKOUT), "<checkout>")
    # A digest changes with every line of code; what it stands for is reviewed there.
    return re.sub(r"\b(?=\d*[a-f])[0-9a-f]{12,64}\b", "<digest>", value)


if __name__ == "__main__":
    GRAPHS.mkdir(exist_ok=True)
    for environment in ENVIRONMENTS:
        (GRAPHS / f"{environment}.yaml").write_text(render(declare(environment)))
