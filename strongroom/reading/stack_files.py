"""The configuration of a stack as the engine would see it, read from the files of a checkout."""

from collections.abc import Mapping
from pathlib import Path

from strongroom.home import PROJECT_FILE
from strongroom.reading import forms
from strongroom.reading.documents import Node, Place, Report, quoted, read_file, shown_path
from strongroom.reading.names import environment_name_problems

#: The namespace of our keys: the project's name, so that plain keys belong to it too.
NAMESPACE = "strongroom"
#: The one key of another namespace that says something about our stack as well.
AWS_REGION = "aws:region"
#: stackConfigDir in Pulumi.yaml.
STACKS = "stacks"


def read_stack(checkout: Path, environment: str, report: Report) -> dict[str, Node]:
    """Our keys, without namespace: the stack file's values over Pulumi.yaml's defaults.

    Raises:
        SettingsError: a file is missing or is not YAML; other mistakes go to `report`.
    """
    defaults = _defaults(read_file(checkout / PROJECT_FILE, report, "any default"), report)
    path = checkout / STACKS / f"Pulumi.{environment}.yaml"
    # A name that is none could lead out of the folder.
    if list(environment_name_problems(environment)) or not path.is_file():
        known = environments(checkout)
        near = forms.nearest(environment, known)
        hint = f"Did you mean {quoted(near)}? If not, make" if near else "Make"
        where = shown_path(checkout / STACKS)
        there_are = f"there are {forms.listed(known, 'and')}" if known else "there is none yet"
        problem = f"no environment is called {quoted(environment)}: {there_are}"
        rest = f"so its settings are not known. {hint} a file Pulumi.<its name>.yaml"
        raise report.refuse(Place(where), f"{problem}, {rest}")
    return {**defaults, **_values(read_file(path, report, "the environment"), report)}


def environments(checkout: Path) -> list[str]:
    """The environments that have a stack file, sorted."""
    files = (checkout / STACKS).glob("Pulumi.*.yaml")
    return sorted(path.stem.removeprefix("Pulumi.") for path in files)


def own_keys(nodes: Mapping[str, Node], report: Report) -> dict[str, Node]:
    """The entries of our namespace, without it, and AWS's region; slips of its name are noted."""
    own: dict[str, Node] = {}
    for key, node in nodes.items():
        namespace, _, name = key.rpartition(":")
        if key == AWS_REGION:
            own[key] = node
        elif namespace in ("", NAMESPACE):
            if name in own:
                problem = f"{quoted(name)} is there with and without {NAMESPACE}:, and only one"
                report.add(node.place, f"{problem} of the two would count. Remove one")
            own[name] = node
        elif forms.nearest(namespace, [NAMESPACE]):
            problem = f"the namespace {quoted(namespace)} is not {NAMESPACE}, so the value would"
            report.add(node.place, f"{problem} have no effect. Write {NAMESPACE}:{name}")
    return own


def _values(document: Node, report: Report) -> dict[str, Node]:
    """The settings in a stack file; the engine's own keys beside `config` are left alone."""
    if document.value is None:
        return {}
    top = forms.mapping(report, document, "the stack file", "config: and the settings below it")
    for key, node in (top or {}).items():
        slip = key not in _ENGINES_KEYS and forms.nearest(key, ["config"])
        if slip or key.startswith(f"{NAMESPACE}:"):
            problem = f"{quoted(key)} stands at the top, not under config:, so the engine would"
            report.add(node.place, f"{problem} ignore it. Put settings under config:")
    config = (top or {}).get("config")
    if config is None or config.value is None:
        return {}
    values = forms.mapping(report, config, "config", "the settings, one key a line") or {}
    own = own_keys(values, report)
    secret = {key for key, node in own.items() if _holds_secret(node)}
    for key in secret:
        problem = f"{NAMESPACE}:{key} holds an encrypted value. No setting is a secret: passwords"
        rest = "are made and kept by machines, and a review must be able to read what it approves"
        report.add(own[key].place, f"{problem} {rest}. Write it in plain text")
    return {key: node for key, node in own.items() if key not in secret}


def _holds_secret(node: Node) -> bool:
    if isinstance(node.value, dict):
        is_one = node.value.keys() == {"secure"}
        return is_one or any(_holds_secret(entry) for entry in node.value.values())
    return isinstance(node.value, list) and any(_holds_secret(entry) for entry in node.value)


def _defaults(document: Node, report: Report) -> dict[str, Node]:
    """The defaults of Pulumi.yaml: `default` of a declaration, or the value in short form."""
    top = forms.mapping(report, document, PROJECT_FILE, "Pulumi's project file") or {}
    name = top.get("name")
    if name is None or name.value != NAMESPACE:
        place = name.place if name else document.place
        problem = f"the project is not called {NAMESPACE}, so the engine would put plain keys into"
        report.add(place, f"{problem} another namespace. Write name: {NAMESPACE}")
    config = top.get("config")
    if config is None or not isinstance(config.value, dict):
        return {}
    found: dict[str, Node] = {}
    for key, node in own_keys(config.value, report).items():
        if not isinstance(node.value, dict):
            found[key] = node
        elif default := node.value.get("default", node.value.get("value")):
            found[key] = default
    return found


_ENGINES_KEYS = frozenset(
    {"config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment"}
)
