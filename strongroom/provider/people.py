"""Who signs in and who no longer does, the same on every platform."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field

from strongroom.errors import StrongroomError
from strongroom.provider.resource import Context, Diff, Found, Properties, Resource


class PeopleInputs(Properties):
    """Who signs in."""

    people: dict[str, str] = Field(
        description="Everyone and everything that signs in, by role, with their own name."
    )
    leaving: dict[str, str] = Field(
        default={},
        description="Filled in: who is no longer among them, and what becomes of what they have.",
    )


class PeopleOutputs(Properties):
    """Nothing else."""


P = TypeVar("P", bound=PeopleInputs)

#: What becomes of a leaver, when nobody can be asked how much that is.
USUAL = "signing in is refused, what it owns is given to app_owner, the role dropped"


class UnreachableError(StrongroomError):
    """Nobody could be asked: nothing is known of the database."""


class Leaving(Resource[P]):
    """Everyone with a role who signs in, and what becomes of those who no longer do.

    A leaver is refused first and their sessions end; then what they own in every database goes to
    app_owner and their rights are taken, so that dropping the role, which the engine does last,
    loses nothing. pulumi_postgresql sees to one database, and gives it to whom it signs in as.
    """

    Outputs = PeopleOutputs

    @abstractmethod
    def outlooks(self, context: Context, inputs: P, roles: Sequence[str]) -> Mapping[str, str]:
        """What each of the leavers would leave behind, in words."""

    @abstractmethod
    def retire(self, context: Context, inputs: P, roles: Sequence[str]) -> None:
        """Get leavers ready to be dropped.

        Raises:
            StrongroomError: some are kept; the others are refused all the same.
        """

    def check(self, context: Context, inputs: P, old: Mapping[str, Any]) -> P:
        roles = _leavers(old.get("people", {}), inputs)
        told = dict(self.outlooks(context, inputs, roles)) if roles else {}
        return inputs.model_copy(update={"leaving": told})

    def diff(self, context: Context, state: Mapping[str, Any], inputs: P) -> Diff:
        before: Mapping[str, str] = state.get("people", {})
        for role in _leavers(before, inputs):
            context.say(f"{role} leaves: {inputs.leaving.get(role, 'refused')}", keep=True)
            for name in _same_person(role, before, inputs):
                context.say(
                    f"{name} is a new role, not {role} under another name: what {role} has is not "
                    f"carried over to {name}",
                    keep=True,
                )
        found = super().diff(context, state, inputs)
        # What was filled in for leavers of last time is no change.
        ignored = () if inputs.leaving else ("leaving",)
        return Diff(tuple(each for each in found.updates if each not in ignored), found.replaces)

    def update(self, context: Context, id: str, state: Mapping[str, Any], inputs: P) -> Found:
        if roles := _leavers(state.get("people", {}), inputs):
            self.retire(context, inputs, roles)
        return Found(id, settled(inputs))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        return Found(id, dict(state))

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        # Roles end by their own resources.
        return


def retire_each(context: Context, roles: Sequence[str], retire: Callable[[str], object]) -> None:
    """Retire leavers one after another; one that is kept is no reason to let in the others.

    Args:
        context: is told of each.
        roles: the leavers.
        retire: retires one.

    Raises:
        StrongroomError: some are kept.
        UnreachableError: nobody can be asked, about the others neither.
    """
    refused: list[str] = []
    for role in roles:
        context.say(f"putting what {role} has in other hands")
        try:
            retire(role)
        except UnreachableError:
            raise
        except StrongroomError as error:
            refused.append(str(error))  # the others are refused all the same
    if refused:
        raise StrongroomError(" ".join(refused))


def settled(inputs: PeopleInputs) -> dict[str, Any]:
    """The outputs once nobody is leaving any more."""
    return inputs.model_copy(update={"leaving": {}}).dump()


def _leavers(before: Mapping[str, str], inputs: PeopleInputs) -> list[str]:
    return sorted(before.keys() - inputs.people.keys())


def _same_person(role: str, before: Mapping[str, str], inputs: PeopleInputs) -> list[str]:
    """New roles of somebody with the same name."""
    new = sorted(inputs.people.keys() - before.keys())
    name = before[role].strip().casefold()
    return [each for each in new if name and inputs.people[each].strip().casefold() == name]
