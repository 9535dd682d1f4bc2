"""What a rehearsal showed, as plain values: for a person, for a program and for the report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        title: what happens in it.
        expected: seconds it was said to take.
        seconds: how long it took.
        facts: what came of it, a line each.
        wrong: what was not as it should be, a sentence each.
    """

    title: str
    expected: int
    seconds: float
    facts: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Property:
    """One declared property beside what the API stored.

    Attributes:
        name: as it is declared, with the way to it.
        declared: the value in the engine's state.
        stored: what the API tells; None where it tells nothing by that name.
        verdict: ``same``, ``different``, or why there is nothing to compare.
    """

    name: str
    declared: Any
    stored: Any
    verdict: str


@dataclass(frozen=True)
class Stored:
    """One resource as it was read back.

    Attributes:
        name: its name in the program.
        kind: its type, such as ``rds/Instance``.
        id: what AWS calls it.
        found: whether the API has it.
        properties: each declared property.
    """

    name: str
    kind: str
    id: str
    found: bool
    properties: tuple[Property, ...] = ()

    @property
    def different(self) -> list[Property]:
        """What the API stored otherwise."""
        return [each for each in self.properties if each.verdict == "different"]


@dataclass(frozen=True)
class Checked:
    """A finding of checkov.

    Attributes:
        check: its id, such as ``CKV_AWS_118``.
        what: the rule in checkov's words.
        resource: what it is about.
        explained: why it is no fault here; empty for one nobody explained.
    """

    check: str
    what: str
    resource: str
    explained: str = ""


@dataclass(frozen=True)
class Result:
    """All of it.

    Attributes:
        stack: the environment's name.
        began: when, in UTC.
        steps: in their order.
        stored: every resource of AWS, read back.
        passed: how many checks of checkov passed; None where it was not asked.
        checked: what it found.
        calls: how often each operation of each service was called.
        lacking: calls the simulator could not answer.
    """

    stack: str
    began: str
    steps: tuple[Step, ...]
    stored: tuple[Stored, ...] = ()
    passed: int | None = None
    checked: tuple[Checked, ...] = ()
    calls: Mapping[str, int] | None = None
    lacking: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as it should be, a sentence each."""
        found = [f"{step.title}: {what}" for step in self.steps for what in step.wrong]
        found += [
            f"{one.name} ({one.kind}) is declared and not there"
            for one in self.stored
            if not one.found
        ]
        found += [
            f"{one.name} ({one.kind}): {each.name} is declared {each.declared!r} and stored as "
            f"{each.stored!r}"
            for one in self.stored
            for each in one.different
        ]
        found += [
            f"{each.check} {each.resource}: {each.what}"
            for each in self.checked
            if not each.explained
        ]
        return [*found, *(f"the simulator lacks {each}" for each in self.lacking)]

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return round(sum(step.seconds for step in self.steps), 1)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "wrong": self.wrong, "seconds": self.seconds}
