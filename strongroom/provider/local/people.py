"""strongroom:local:People."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from strongroom.bootstrap.leaving import outlook, retire
from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.provider.people import USUAL, Leaving, PeopleInputs, retire_each, settled
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
        if root := _root(inputs):
            retire_each(context, roles, partial(retire, root))


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
