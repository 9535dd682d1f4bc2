"""strongroom:local:Agent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from strongroom.agent.duties import Duties, file_of
from strongroom.agent.process import Agent as Process
from strongroom.cluster.stack import StackFolder
from strongroom.elevations import ending
from strongroom.elevations.lent import Lent
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

#: Heartbeats that may be missed before it is told: one is late when the machine is busy.
_MISSED = 30


class AgentInputs(Properties):
    """What an agent is to do."""

    directory: str = replacing(description="The primary's folder.")
    database: str = Field(description="The application's database.")
    vault: str = Field(description="The vault's folder.")
    heartbeat_seconds: int = Field(
        default=1, ge=1, le=60, description="Seconds between two heartbeats (1 to 60)."
    )
    every_hours: int = Field(default=24, ge=1, le=168, description="As the snapshot policy's.")
    full_every_days: int = Field(default=7, ge=1, le=35, description="As the snapshot policy's.")
    keep_days: int = Field(default=35, ge=1, le=3650, description="As the snapshot policy's.")
    lock_days: int = Field(default=7, ge=0, le=3650, description="As the snapshot policy's.")
    rotate_after_days: int = Field(default=30, ge=1, le=365, description="As the root secret's.")
    drill_every_days: int = Field(
        default=7, ge=0, le=365, description="Days between two restore drills; 0 for none."
    )
    checks: str = Field(
        default="", description="The folder of the team's own checks; they are run by drills."
    )
    elevations: list[dict[str, str]] = Field(
        default=[],
        description="Tiers lent until a time: who, tier, base (the person's own tier), until, "
        "approver, reason and ticket of each. The agent ends them.",
    )
    alert_delete_rows: int = Field(
        default=1000,
        ge=1,
        le=1_000_000_000,
        description="Deleted rows in one transaction that are an alert (1 to 1000000000).",
    )

    def lent(self) -> tuple[Lent, ...]:
        """The elevations."""
        return tuple(Lent.read(each) for each in self.elevations)

    def duties(self) -> Duties:
        """The same for the agent itself."""
        values = self.model_dump()
        folders = {"directory": Path(self.directory), "vault": Path(self.vault)}
        return Duties(**{**values, **folders, "elevations": self.lent()})


class AgentOutputs(Properties):
    """What is not as declared."""

    drift: list[str] = Field(description="What is not as declared; empty when all is well.")


class Agent(Resource[AgentInputs]):
    """The background process of a stack on this machine: heartbeat, snapshots, rotation by age.

    It lives on after `up` and is started again by the next one. It stands in for what services of
    AWS do in production. What is lent is on record before any right is given, and is ended by the
    agent; what a dead agent did not end, the next `up` ends.
    """

    token = "strongroom:local:Agent"  # noqa: S105 - a type token
    Inputs = AgentInputs
    Outputs = AgentOutputs
    reads_first = True

    def check(self, context: Context, inputs: AgentInputs, old: Mapping[str, Any]) -> AgentInputs:
        try:
            inputs.lent()
        except (ValueError, KeyError) as error:
            reason = f"one of them is none: {error}. Give every part its value"
            raise Refusal(("elevations", reason)) from error
        return inputs

    def diff(self, context: Context, state: Mapping[str, Any], inputs: AgentInputs) -> Diff:
        return drift_of(super().diff(context, state, inputs), state)

    def plan(self, context: Context, inputs: AgentInputs) -> dict[str, Any]:
        return {"drift": []}

    def create(self, context: Context, inputs: AgentInputs) -> Found:
        return Found(inputs.directory, _started(context, inputs, ()))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: AgentInputs
    ) -> Found:
        before = AgentInputs.within(state).lent()
        return Found(id, _started(context, inputs, before))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        inputs = AgentInputs.within(state)
        return Found(id, {**inputs.dump(), "drift": _drift(inputs)})

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        stack = Path(id).parent
        file_of(stack).unlink(missing_ok=True)
        Process(stack).stop()


def _started(context: Context, inputs: AgentInputs, before: tuple[Lent, ...]) -> dict[str, Any]:
    duties = inputs.duties()
    stack = StackFolder(duties.stack)
    for ended in ending.end_due(stack, before):
        context.say(ended, keep=True)
    ending.settle(stack, duties.elevations)
    ending.begin(stack, duties.elevations)
    duties.save()
    Process(duties.stack).start()
    return {**inputs.dump(), "drift": []}


def _drift(inputs: AgentInputs) -> list[str]:
    duties = inputs.duties()
    agent = Process(duties.stack)
    drift = ending.due(StackFolder(duties.stack), duties.elevations)
    if Duties.load(duties.stack) != duties:
        drift.append("its duties are not written down as declared")
    if not agent.running():
        return [*drift, "the agent does not run"]
    return drift
