"""What one resource type of a Strongroom plugin is: its properties and what is done with them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from strongroom.errors import StrongroomError


class Properties(BaseModel):
    """Properties of a resource: snake_case in Python, camelCase to the engine, none unknown."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    @classmethod
    def within(cls, state: Mapping[str, Any]) -> Self:
        """Those of them that a state holds beside others, also one that an earlier version kept."""
        names = {info.alias or name for name, info in cls.model_fields.items()}
        return cls.model_validate({name: state[name] for name in state if name in names})

    def dump(self) -> dict[str, Any]:
        """The properties as the engine names them, absent ones left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Refusal(StrongroomError):  # noqa: N818 - a refusal is the answer, not a fault
    """Inputs a resource does not take.

    Attributes:
        failures: pairs of the property's engine name and the reason.
    """

    def __init__(self, *failures: tuple[str, str]) -> None:
        self.failures = failures
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in failures))


def replacing(**keywords: Any) -> Any:
    """A field that cannot be changed in place: a new value means another resource."""
    return Field(json_schema_extra={"willReplaceOnChanges": True}, **keywords)


@dataclass(frozen=True)
class Context:
    """What a handler knows beside its properties.

    Attributes:
        urn: the resource's name in the engine.
        seed: random bytes that stay the same for a preview and the update planned from it.
        say: shows a line beside the resource while it is worked on; with ``keep=True`` the
            line stays in the summary.
        inputs: in a read, what the program said at the last deployment; empty in an import.
            The state may hold what an earlier read found instead.
    """

    urn: str = ""
    seed: bytes = b""
    say: Callable[..., None] = field(default=lambda *_, **__: None)
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Diff:
    """What would change.

    Attributes:
        updates: engine names of properties that change in place.
        replaces: engine names of properties that need another resource.
    """

    updates: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A resource as it really is.

    Attributes:
        id: its identity; stays the same for as long as the resource exists.
        outputs: all its properties, those given as inputs included.
        inputs: what a program would have to say to get exactly this; None keeps what was said.
    """

    id: str
    outputs: dict[str, Any]
    inputs: dict[str, Any] | None = None


I = TypeVar("I", bound=Properties)  # noqa: E741


class Resource(ABC, Generic[I]):
    """One resource type. Handlers run in threads and see only values that are known.

    A property that is not known yet (in a preview) is never handed to a handler: the server
    answers for it. Errors meant for people are raised as `StrongroomError`.
    """

    token: ClassVar[str]
    Inputs: ClassVar[type[Properties]]
    Outputs: ClassVar[type[Properties]]
    #: Ask the engine to read the resource before every preview and update: for things that
    #: can change by themselves, such as a server that may have stopped.
    reads_first: ClassVar[bool] = False
    delete_before_replace: ClassVar[bool] = True

    def check(self, context: Context, inputs: I, old: Mapping[str, Any]) -> I:
        """Judge valid inputs further and fill in what was left open.

        Args:
            context: the resource's name and the seed for random choices.
            inputs: the inputs, validated against the model.
            old: the inputs of the last deployment, empty for a new resource.

        Raises:
            Refusal: the inputs cannot be used.
        """
        return inputs

    def diff(self, context: Context, state: Mapping[str, Any], inputs: I) -> Diff:
        """Compare the state with the wanted inputs; by default property by property."""
        return compare(type(inputs), state, inputs.dump())

    def plan(self, context: Context, inputs: I) -> dict[str, Any]:
        """Outputs that a preview can already tell; all others are shown as not known yet."""
        return {}

    @abstractmethod
    def create(self, context: Context, inputs: I) -> Found:
        """Make the resource, or finish what a killed run began."""

    @abstractmethod
    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        """Look at the resource as it is; None when it is gone."""

    @abstractmethod
    def update(self, context: Context, id: str, state: Mapping[str, Any], inputs: I) -> Found:
        """Change the resource in place, or put right what `read` reported."""

    @abstractmethod
    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        """End the resource; raises `StrongroomError` to refuse."""


def compare(model: type[Properties], state: Mapping[str, Any], wanted: Mapping[str, Any]) -> Diff:
    """Sort the input properties whose wanted value differs from the state."""
    updates: list[str] = []
    replaces: list[str] = []
    for name, info in model.model_fields.items():
        alias = info.alias or name
        if state.get(alias) != wanted.get(alias):
            extra = info.json_schema_extra
            replace = isinstance(extra, dict) and extra.get("willReplaceOnChanges")
            (replaces if replace else updates).append(alias)
    return Diff(tuple(updates), tuple(replaces))
