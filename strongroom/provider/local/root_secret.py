"""strongroom:local:RootSecret."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.breakglass.ending import close_overdue, due
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder
from strongroom.provider.local.common import drift_of
from strongroom.provider.resource import Context, Diff, Found, Properties, Resource, replacing


class RootSecretInputs(Properties):
    """What a root secret is declared with."""

    directory: str = replacing(description="The folder of the cluster whose root it is.")
    max_age_days: int = Field(
        default=30, ge=1, le=365, description="Days after which the next `up` rotates (1 to 365)."
    )
    rotation: str = Field(default="", description="Any text; changing it rotates on demand.")


class RootSecretOutputs(Properties):
    """When, never what."""

    rotated_at: str = Field(description="When the password in use was made (UTC, ISO 8601).")
    drift: list[str] = Field(description="Why it has to be rotated; empty when all is well.")


class RootSecret(Resource[RootSecretInputs]):
    """Root's password: random, rotated by machines, known to nobody.

    It lies sealed in a file that only the database's system user can read. No value ever
    reaches the engine, its state, a log or a command line. It is rotated when the resource is
    made, by age, and on demand.
    """

    token = "strongroom:local:RootSecret"  # noqa: S105 - a type token
    Inputs = RootSecretInputs
    Outputs = RootSecretOutputs
    reads_first = True

    def diff(self, context: Context, state: Mapping[str, Any], inputs: RootSecretInputs) -> Diff:
        return drift_of(super().diff(context, state, inputs), state)

    def create(self, context: Context, inputs: RootSecretInputs) -> Found:
        return Found(inputs.directory, _rotated(context, inputs))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: RootSecretInputs
    ) -> Found:
        for ended in close_overdue(StackFolder.of(Path(inputs.directory))):
            context.say(ended, keep=True)
        if state.get("rotation", "") != inputs.rotation or _drift(inputs):
            return Found(id, _rotated(context, inputs))
        return self._found(id, inputs, state)

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        return self._found(id, RootSecretInputs.within(state), state)

    def _found(self, id: str, inputs: RootSecretInputs, state: Mapping[str, Any]) -> Found:
        directory = Path(inputs.directory)
        since = str(state.get("rotatedAt", ""))
        if (directory / "cluster.json").exists():
            current = LocalRoot(Cluster.at(directory)).sealed.current()
            since = current.since.isoformat() if current else since
        return Found(id, {**inputs.dump(), "rotatedAt": since, "drift": _drift(inputs)})

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        # The password stays sealed beside its cluster: without it nobody could open that again.
        context.say("root's password stays sealed with its cluster", keep=True)


def _rotated(context: Context, inputs: RootSecretInputs) -> dict[str, Any]:
    cluster = Cluster.at(Path(inputs.directory))
    context.say("rotating root's password")
    with cluster.locked():
        since = Rotation(LocalRoot(cluster)).run()
    return {**inputs.dump(), "rotatedAt": since.isoformat(), "drift": []}


def _drift(inputs: RootSecretInputs) -> list[str]:
    directory = Path(inputs.directory)
    if not (directory / "cluster.json").exists():
        return ["its cluster is gone"]
    sealed = LocalRoot(Cluster.at(directory)).sealed
    current = sealed.current()
    if current is None:
        return ["no password is sealed"]
    drift = due(StackFolder.of(directory))
    if sealed.pending() is not None:
        drift.append("a rotation was begun and not finished")
    if sealed.path.stat().st_mode & 0o077:
        drift.append("the sealed file can be read by others")
    age = datetime.now(UTC) - current.since
    if age > timedelta(days=inputs.max_age_days):
        drift.append(f"the password is {age.days} days old; {inputs.max_age_days} is the limit")
    return drift
