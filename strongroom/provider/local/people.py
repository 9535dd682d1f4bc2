"""strongroom:local:People."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from strongroom.bootstrap.leaving import outlook, retire
from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.provider.resource import Context, Diff, Found, Properties, Resource, replacing


class PeopleInputs(Properties):
    """Who signs in."""

    directory: str = replacing(description="The folder of the cluster they sign in to.")
    people: dict[str, str] = Field(
        description="Everyone and everything that signs in, by role, with their own name."
    )
    leaving: dict[str, str] = Field(
        default={},
        description="Filled in: who is no longer among them, and what becomes of what they have.",
    )


class PeopleOutputs(Properties):
    """Nothing else."""


class People(Resource[PeopleInputs]):
    """Everyone with a role who signs in, and what becomes of those who no longer do.

    A leaver is refused first and their sessions end; then what they own in every database goes to
    app_owner and their rights are taken, so that dropping the role, which the engine does last,
    loses nothing. pulumi_postgresql sees to one database, and gives it to whom it signs in as.
    """

    token = "strongroom:local:People"  # noqa: S105 - a type token
    Inputs = PeopleInputs
    Outputs = PeopleOutputs

    def check(self, context: Context, inputs: PeopleInputs, old: Mapping[str, Any]) -> PeopleInputs:
        before: Mapping[str, str] = old.get("people", {})
        root = _root(inputs)
        told = {role: _outlook(root, role) for role in _leavers(before, inputs)} if root else {}
        return inputs.model_copy(update={"leaving": told})

    def diff(self, context: Context, state: Mapping[str, Any], inputs: PeopleInputs) -> Diff:
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

    def create(self, context: Context, inputs: PeopleInputs) -> Found:
        return Found(inputs.directory, _settled(inputs))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: PeopleInputs
    ) -> Found:
        refused: list[str] = []
        if root := _root(inputs):
            for role in _leavers(state.get("people", {}), inputs):
                context.say(f"putting what {role} has in other hands")
                try:
                    retire(root, role)
                except StrongroomError as error:
                    refused.append(str(error))  # the others are refused all the same
        if refused:
            raise StrongroomError(" ".join(refused))
        return Found(id, _settled(inputs))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        return Found(id, dict(state))

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        # Roles end by their own resources.
        return


def _leavers(before: Mapping[str, str], inputs: PeopleInputs) -> list[str]:
    return sorted(before.keys() - inputs.people.keys())


def _same_person(role: str, before: Mapping[str, str], inputs: PeopleInputs) -> list[str]:
    """New roles of somebody with the same name."""
    new = sorted(inputs.people.keys() - before.keys())
    name = before[role].strip().casefold()
    return [each for each in new if name and inputs.people[each].strip().casefold() == name]


def _root(inputs: PeopleInputs) -> LocalRoot | None:
    """Root of the cluster; None when there is none any more, and with it no role."""
    directory = Path(inputs.directory)
    return LocalRoot(Cluster.at(directory)) if (directory / "cluster.json").exists() else None


def _outlook(root: LocalRoot, role: str) -> str:
    try:
        found = outlook(root, role)
    except StrongroomError:
        # A preview of a stopped server that this `up` starts.
        return "signing in is refused, what it owns is given to app_owner, the role dropped"
    return found.told() if found else "the role is gone already"


def _settled(inputs: PeopleInputs) -> dict[str, Any]:
    return inputs.model_copy(update={"leaving": {}}).dump()
