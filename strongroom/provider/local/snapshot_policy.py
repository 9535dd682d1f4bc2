"""strongroom:local:SnapshotPolicy."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from pydantic import Field

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster import archive, snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.snapshots import Retention
from strongroom.cluster.vault import Snapshot, Vault
from strongroom.errors import StrongroomError
from strongroom.provider.local.common import drift_of
from strongroom.provider.resource import (
    Context,
    Diff,
    Found,
    Properties,
    Refusal,
    Resource,
    replacing,
)


class SnapshotPolicyInputs(Properties):
    """What a snapshot policy is declared with."""

    directory: str = replacing(description="The folder of the cluster that is copied.")
    vault: str = replacing(description="The vault's folder, outside every cluster.")
    every_hours: int = Field(
        default=24, ge=1, le=168, description="Hours between two snapshots (1 to 168)."
    )
    full_every_days: int = Field(
        default=7, ge=1, le=35, description="Days after which the next one is full (1 to 35)."
    )
    keep_days: int = Field(
        default=35, ge=1, le=3650, description="Days every snapshot is kept (1 to 3650)."
    )
    lock_days: int = Field(
        default=7, ge=0, le=3650, description="Days before which none can be removed (0 to 3650)."
    )

    @property
    def retention(self) -> Retention:
        """How long snapshots are kept."""
        return Retention(timedelta(days=self.keep_days), timedelta(days=self.lock_days))


class SnapshotPolicyOutputs(Properties):
    """What is there."""

    newest: str = Field(description="The newest good snapshot; empty when there is none.")
    drift: list[str] = Field(description="What is not as declared; empty when all is well.")


class SnapshotPolicy(Resource[SnapshotPolicyInputs]):
    """Snapshots of a cluster in a vault: taken, checked and kept for a time.

    Every `up` takes one when it is due and ends what is past its age; nothing that is locked, that
    another snapshot needs, or that is the last good one is ever ended. Deleting the policy keeps
    the vault as it is.
    """

    token = "strongroom:local:SnapshotPolicy"  # noqa: S105 - a type token
    Inputs = SnapshotPolicyInputs
    Outputs = SnapshotPolicyOutputs
    reads_first = True

    def check(
        self, context: Context, inputs: SnapshotPolicyInputs, old: Mapping[str, Any]
    ) -> SnapshotPolicyInputs:
        failures = []
        if inputs.lock_days > inputs.keep_days:
            reason = f"{inputs.lock_days} days is longer than snapshots are kept"
            failures.append(("lockDays", f"{reason} ({inputs.keep_days}). Lower it, or keep more"))
        if inputs.full_every_days > inputs.keep_days:
            reason = f"{inputs.full_every_days} days is longer than snapshots are kept"
            failures.append(("fullEveryDays", f"{reason} ({inputs.keep_days}), so none would end"))
        if not Path(inputs.vault).is_absolute():
            reason = f"{inputs.vault!r} is not an absolute path, so it would depend on who runs it"
            failures.append(("vault", f"{reason}. Give the whole path"))
        elif Path(inputs.vault).is_relative_to(inputs.directory):
            reason = f"{inputs.vault} lies in the cluster it is to outlive"
            failures.append(("vault", f"{reason}. Put it beside, or on another disk"))
        if failures:
            raise Refusal(*failures)
        return inputs

    def diff(
        self, context: Context, state: Mapping[str, Any], inputs: SnapshotPolicyInputs
    ) -> Diff:
        return drift_of(super().diff(context, state, inputs), state)

    def plan(self, context: Context, inputs: SnapshotPolicyInputs) -> dict[str, Any]:
        return {"drift": []}

    def create(self, context: Context, inputs: SnapshotPolicyInputs) -> Found:
        return Found(inputs.vault, self._converge(context, inputs))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: SnapshotPolicyInputs
    ) -> Found:
        return Found(id, self._converge(context, inputs))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        inputs = SnapshotPolicyInputs.within(state)
        return Found(id, _outputs(inputs, _drift(inputs)))

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        context.say(f"the vault stays as it is: {id}", keep=True)

    def _converge(self, context: Context, inputs: SnapshotPolicyInputs) -> dict[str, Any]:
        cluster = Cluster.at(Path(inputs.directory))
        vault = Vault(Path(inputs.vault), cluster.user)
        vault.prepare()
        every, full_every = (
            timedelta(hours=inputs.every_hours),
            timedelta(days=inputs.full_every_days),
        )
        if snapshots.due(vault, every):
            context.say("taking a snapshot")
        if taken := snapshots.take_due(vault, cluster, every, full_every):
            kind = "full" if taken.parent is None else "incremental"
            context.say(f"snapshot {taken.name} taken ({kind}, {taken.size:,} bytes)", keep=True)
        for ended in snapshots.expire(vault, cluster, inputs.retention):
            context.say(f"snapshot {ended.name} ended by age", keep=True)
        return _outputs(inputs, [])


def _age(snapshot: Snapshot) -> timedelta:
    return datetime.now(UTC) - snapshot.finished


def _outputs(inputs: SnapshotPolicyInputs, drift: list[str]) -> dict[str, Any]:
    directory = Path(inputs.directory)
    newest = ""
    if (directory / "cluster.json").exists():
        good = Vault(Path(inputs.vault), Cluster.at(directory).user).good()
        newest = good[-1].name if good else ""
    return {**inputs.dump(), "newest": newest, "drift": drift}


def _drift(inputs: SnapshotPolicyInputs) -> list[str]:
    directory = Path(inputs.directory)
    if not (directory / "cluster.json").exists():
        return ["its cluster is gone"]
    cluster = Cluster.at(directory)
    vault = Vault(Path(inputs.vault), cluster.user)
    drift = [f"snapshot {each.name}: {each.problem}" for each in vault.catalog() if each.problem]
    good = vault.good()
    if not good:
        drift.append("there is no good snapshot")
    elif snapshots.due(vault, timedelta(hours=inputs.every_hours)):
        hours = _age(good[-1]).total_seconds() / 3600
        drift.append(f"the newest is {hours:.0f} hours old; {inputs.every_hours} is the limit")
    return drift + _archiving(cluster)


def _archiving(cluster: Cluster) -> list[str]:
    """What is wrong with the WAL archive, as the server tells it."""
    if not cluster.running():
        return []
    try:
        with LocalRoot(cluster).connect() as connection:
            problem = archive.problem(connection.execute(archive.QUERY).fetchone())
    except (StrongroomError, psycopg.Error) as error:
        return [f"the archive cannot be asked for: {' '.join(str(error).split())}"]
    return [problem] if problem else []
