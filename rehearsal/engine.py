"""What the engine says it would do, and what its state holds, as plain values."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.running import Run
from rehearsal.scene import Scene

#: Differences a preview shows right after an `up` that are the simulator's and not the program's:
#: type and property, and why. `make rehearse` fails on any other.
ARTEFACTS: Mapping[tuple[str, str], str] = {}

_QUIET = ("same", "read", "refresh")


@dataclass(frozen=True)
class Change:
    """One resource that would change.

    Attributes:
        urn: the engine's name of it.
        operation: create, update, replace, delete and so on.
        properties: those that differ.
    """

    urn: str
    operation: str
    properties: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def type(self) -> str:
        """Its type, without those of its parents."""
        return self.urn.split("::")[2].rpartition("$")[2]

    def __str__(self) -> str:
        """One line for a person."""
        which = f": {', '.join(self.properties)}" if self.properties else ""
        return f"{self.operation} {self.name} ({self.type}){which}"

    @property
    def artefact(self) -> str:
        """Why it is the simulator's doing; empty when it is not."""
        known = [
            ARTEFACTS.get((self.type, each.split("[")[0].split(".")[0]), "")
            for each in self.properties
        ]
        return known[0] if self.operation == "update" and known and all(known) else ""


@dataclass(frozen=True)
class Plan:
    """What a preview showed.

    Attributes:
        run: the command.
        changes: every resource that would change.
        unchanged: how many would not.
    """

    run: Run
    changes: tuple[Change, ...]
    unchanged: int

    @property
    def counted(self) -> str:
        """How many of what."""
        found = Counter(each.operation for each in self.changes)
        told = [f"{count} to {operation}" for operation, count in sorted(found.items())]
        return ", ".join([*told, f"{self.unchanged} unchanged"] if self.unchanged else told)

    def of(self, package: str) -> int:
        """How many of them are of one package, such as ``aws``."""
        return sum(each.type.startswith(f"{package}:") for each in self.changes)


def planned(scene: Scene, *arguments: str) -> Plan:
    """What `pulumi preview` shows."""
    run = scene.pulumi("preview", "--json", *arguments)
    if run.code:
        # The document does not say why; a preview for people does.
        run = scene.pulumi("preview", *arguments)
    document = _document(run.output)
    changes = tuple(
        Change(each["urn"], each["op"], tuple(sorted(each.get("detailedDiff") or ())))
        for each in document.get("steps") or ()
        if each["op"] not in _QUIET
    )
    return Plan(run, changes, (document.get("changeSummary") or {}).get("same", 0))


def _document(output: str) -> dict[str, Any]:
    """The document in what a preview printed, whatever stands around it."""
    start = output.find("\n{") + 1 if not output.startswith("{") else 0
    try:
        found, _ = json.JSONDecoder().raw_decode(output[start:])
    except ValueError:
        return {}
    return dict(found)


@dataclass(frozen=True)
class Resource:
    """One resource in the engine's state.

    Attributes:
        urn: the engine's name of it.
        type: its type.
        id: the provider's name of it.
        inputs: what is declared.
        outputs: what the provider made of it.
    """

    urn: str
    type: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def kind(self) -> str:
        """Its type as the SDK writes it, such as ``rds/Instance``."""
        _, module, name = self.type.split(":")
        return f"{module.partition('/')[0]}/{name}"


def exported(scene: Scene) -> list[Resource]:
    """Every resource in the state that a provider made; secrets stay sealed."""
    state = json.loads(scene.pulumi("stack", "export").output)
    return resources(state)


def resources(state: Mapping[str, Any]) -> list[Resource]:
    """Those in an exported state."""
    found = state["deployment"].get("resources") or ()
    made = [each for each in found if each.get("custom") and each.get("id")]
    values = ("inputs", "outputs")
    return [
        Resource(each["urn"], each["type"], each["id"], *(each.get(name) or {} for name in values))
        for each in made
    ]
