"""What the served types share: refusal of properties by name, and comparison with the state."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import model_validator

from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context, Diff, Properties, Refusal, Resource

#: Bytes PostgreSQL keeps of a name; it cuts off the rest with no more than a notice
#: (NAMEDATALEN - 1, "Identifiers and Key Words").
NAME_BYTES = 63

#: The role name that means everybody.
PUBLIC = "public"


class Served(Properties):
    """Inputs of a served type.

    Attributes:
        refused: properties the official plugin has and this one does not serve, with the reason.
        secret: those of them whose value must not be shown; the engine prints the value of a
            property that is refused under its own name.
        unordered: engine names of lists whose order means nothing.
        computed: engine names of properties that count as unchanged when left out.
    """

    refused: ClassVar[Mapping[str, str]] = {}
    secret: ClassVar[frozenset[str]] = frozenset()
    unordered: ClassVar[frozenset[str]] = frozenset()
    computed: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        failures = [
            ("", f"{name}: {reason}") if name in cls.secret else (name, reason)
            for name, reason in cls.refused.items()
            if name in values
        ]
        if failures:
            raise Refusal(*failures)
        # The official plugin notes in the inputs which of them are defaults of its own.
        return {name: value for name, value in values.items() if not name.startswith("__")}

    def dump(self) -> dict[str, Any]:
        """The properties that were said, as the engine names them.

        It passes on and logs every one, of 1,000 roles as well; a default needs none of that.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


class Nothing(Properties):
    """No outputs beyond the inputs."""


I = TypeVar("I", bound=Served)  # noqa: E741


class PostgresqlResource(Resource[I], Generic[I]):
    """A type of the postgresql package, worked on through one session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def plan(self, context: Context, inputs: I) -> dict[str, Any]:
        """Every input is an output too, those with defaults and those taken away included."""
        values = inputs.model_dump(mode="json", by_alias=True)
        return {
            name: value
            for name, value in values.items()
            if value is not None or name not in inputs.computed
        }

    def diff(self, context: Context, state: Mapping[str, Any], inputs: I) -> Diff:
        """Compare by meaning: an empty value is an absent one, and a set has no order."""
        wanted = inputs.model_dump(mode="json", by_alias=True, exclude_none=True)
        updates: list[str] = []
        replaces: list[str] = []
        for name, info in type(inputs).model_fields.items():
            alias = info.alias or name
            if alias in inputs.computed and alias not in wanted:
                continue
            had = state.get(alias, info.get_default())
            if same(had, wanted.get(alias), unordered=alias in inputs.unordered):
                continue
            extra = info.json_schema_extra
            replace = isinstance(extra, dict) and extra.get("willReplaceOnChanges")
            (replaces if replace else updates).append(alias)
        return Diff(tuple(updates), tuple(replaces))


def same(one: Any, other: Any, *, unordered: bool = False) -> bool:
    """Whether two property values mean the same."""
    if unordered:
        return frozenset(one or ()) == frozenset(other or ())
    return bool((one or None) == (other or None))


def as_said(actual: Iterable[str], said: Iterable[str] | None, *, unordered: bool = True) -> Any:
    """A list from the catalogs, in the program's own words where it means the same.

    Returns:
        `said` when `actual` means the same, else `actual`, sorted when order means nothing.
    """
    found = list(actual)
    given = None if said is None else list(said)
    if same(found, given, unordered=unordered):
        return given
    return sorted(found) if unordered else found


def carried(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a state holds beside the properties served here, without the engine's own notes."""
    return {name: value for name, value in state.items() if not name.startswith("__")}


def named(context: Context, given: str, old: Mapping[str, Any]) -> str:
    """The physical name of a resource: as given, as before, or made from the logical name.

    Raises:
        Refusal: PostgreSQL would not keep the name as it is.
    """
    if not given:
        known = old.get("name")
        random = hashlib.sha256(context.seed + context.urn.encode()).hexdigest()[:7]
        given = known if isinstance(known, str) and known else f"{context.name}-{random}"
    size = len(given.encode())
    if size > NAME_BYTES:
        reason = (
            f"{given!r} has {size} bytes and PostgreSQL keeps {NAME_BYTES} of them, so another "
            "name than this would be made; choose a shorter one"
        )
        raise Refusal(("name", reason))
    return given
