"""strongroom:local:People."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from strongroom.bootstrap.leaving import outlook, retire
from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.provider.people import USUAL, Leaving, PeopleInputs, settled
from strongroom.provider.resource import Context, Found, replacing


class LocalPeopleInputs(PeopleInputs):
    """Who signs in on this machine."""

    directory: str = replacing(description="The folder of the cluster they sign in to.")


class People(Leaving[LocalPeopleInputs]):
    """Those of a server on this machine; root is asked in this process."""

    token = "strongroom:local:People"  # noqa: S105 - a type token
    Inputs = LocalPeopleInputs

    def create(self, context: Context, inputs: LocalPeopleInputs) -> Found:
        return Found(inputs.directory, settled(inputs))

    def outlooks(
        self, context: Context, inputs: LocalPeopleInputs, roles: Sequence[str]
    ) -> Mapping[str, str]:
        root = _root(inputs)
        return {role: _outlook(root, role) for role in roles} if root else {}

    def retire(self, context: Context, inputs: LocalPeopleInputs, roles: Sequence[str]) -> None:
        refused: list[str] = []
        if root := _root(inputs):
            for role in roles:
                context.say(f"putting what {role} has in other hands")
                try:
                    retire(root, role)
                except StrongroomError as error:
                    refused.append(str(error))  # the others are refused all the same
        if refused:
            raise StrongroomError(" ".join(refused))


def _root(inputs: LocalPeopleInputs) -> LocalRoot | None:
    """Root of the cluster; None when there is none any more, and with it no role."""
    directory = Path(inputs.directory)
    return LocalRoot(Cluster.at(directory)) if (directory / "cluster.json").exists() else None


def _outlook(root: LocalRoot, role: str) -> str:
    try:
        found = outlook(root, role)
    except StrongroomError:
        # A preview of a stopped server that this `up` starts.
        return USUAL
    return found.told() if found else "the role is gone already"
