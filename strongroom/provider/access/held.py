"""What the resources of access have in common: something in the catalogs that is held to."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import Field

from strongroom.errors import StrongroomError
from strongroom.provider.access.session import refuse_password
from strongroom.provider.local.common import drift_of
from strongroom.provider.resource import Context, Diff, Found, Properties, Resource
from strongroom.tiers import ROOT


class HeldInputs(Properties):
    """How whoever holds to it signs in, and who is left alone."""

    sign_in: dict[str, str] = Field(
        description="How to connect, as libpq connection parameters; never a password."
    )
    root: str = Field(
        default=ROOT, description="What root is called there, of whom nothing is held to."
    )


H = TypeVar("H", bound=HeldInputs)


class Held(Resource[H]):
    """Declared as a whole, looked up in every preview, and put right by every `up`.

    It belongs to the roles and ends with them, so there is nothing to delete.
    """

    reads_first = True

    @abstractmethod
    def drift(self, inputs: H) -> tuple[H, list[str]]:
        """What is not as declared, a sentence each, and what counts as declared by now.

        Raises:
            StrongroomError: it cannot be looked up; that is told as drift.
        """

    @abstractmethod
    def converge(self, context: Context, inputs: H, state: Mapping[str, Any]) -> None:
        """Make it as declared; `state` is what was declared before, empty for the first time.

        Raises:
            StrongroomError: it cannot be put right from here.
        """

    def check(self, context: Context, inputs: H, old: Mapping[str, Any]) -> H:
        refuse_password(inputs.sign_in)
        return inputs

    def diff(self, context: Context, state: Mapping[str, Any], inputs: H) -> Diff:
        return drift_of(super().diff(context, state, inputs), state)

    def plan(self, context: Context, inputs: H) -> dict[str, Any]:
        return {"drift": []}

    def create(self, context: Context, inputs: H) -> Found:
        return self._converged(context, context.name, inputs, {})

    def update(self, context: Context, id: str, state: Mapping[str, Any], inputs: H) -> Found:
        return self._converged(context, id, inputs, state)

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        inputs = cast("H", self.Inputs.within(state))
        try:
            inputs, drift = self.drift(inputs)
        except StrongroomError as error:
            drift = [str(error)]
        return Found(id, {**inputs.dump(), "drift": drift})

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        return

    def _converged(self, context: Context, id: str, inputs: H, state: Mapping[str, Any]) -> Found:
        self.converge(context, inputs, state)
        return Found(id, {**inputs.dump(), "drift": []})
