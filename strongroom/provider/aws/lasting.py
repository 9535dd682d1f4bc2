"""strongroom:aws:Lasting."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from strongroom.provider.aws.existing import Existing, UnseenError, changes, look, misfits
from strongroom.provider.resource import Context, Found, Properties, Refusal, Resource

_AWAY = (
    "To do it all the same, set strongroom:deletionProtection to false and run `pulumi up` first, "
    "with a snapshot at hand that somebody has restored"
)


class LastingInputs(Properties):
    """What an instance is declared with and keeps for as long as it lives."""

    database: str = Field(description="The application database's name.")
    network: str = Field(description="The id of its network, or the addresses of one of ours.")
    zones: list[str] = Field(default=[], description="Letters of the zones in one of ours.")
    engine_version: str = Field(description="PostgreSQL's version.")
    major_upgrade: bool = Field(
        default=False, description="Whether a new major version may be an upgrade."
    )
    storage_gb: int = Field(description="Storage it began with, GiB.")
    protected: bool = Field(description="Whether such changes are refused.")
    existing: dict[str, str] = Field(
        default={},
        description="The instance that is taken over, if one is: identifier, master, region, and "
        "the port and instanceClass it has now.",
    )


class LastingOutputs(Properties):
    """What is made once for an instance."""

    suffix: str = Field(description="What makes the name of its final snapshot its own.")


class Lasting(Resource[LastingInputs]):
    """What of an instance cannot change without another taking its place.

    The engine refuses to replace what is protected, without the reason; other changes AWS refuses
    halfway through an update, when what comes before is done. Here all of them are refused in the
    preview, in words. It compares with what was declared last time; an instance that is to be
    taken over it looks at once, before it is declared for the first time.
    """

    token = "strongroom:aws:Lasting"  # noqa: S105 - a type token
    Inputs = LastingInputs
    Outputs = LastingOutputs

    def check(
        self, context: Context, inputs: LastingInputs, old: Mapping[str, Any]
    ) -> LastingInputs:
        if inputs.existing and not old:
            _look(context, inputs, Existing.model_validate(inputs.existing))
        # Taking the protection away is an update of its own, which can be reviewed.
        if old.get("protected") and (refused := list(_refused(LastingInputs.within(old), inputs))):
            raise Refusal(*refused)
        return inputs

    def create(self, context: Context, inputs: LastingInputs) -> Found:
        suffix = secrets.token_hex(4)
        return Found(suffix, {**inputs.dump(), "suffix": suffix})

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        return Found(id, dict(state))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: LastingInputs
    ) -> Found:
        return Found(id, {**state, **inputs.dump()})

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        """There is nothing to end: what it made is in the instance."""


def _look(context: Context, inputs: LastingInputs, wanted: Existing) -> None:
    """Refuse an instance that cannot be taken over as declared, and say what changes of it."""
    try:
        found = look(wanted.identifier, wanted.region)
    except UnseenError as error:
        reason = f"it could not be looked at: {error}. Whoever previews"
        rest = "needs rds:DescribeDBInstances (`strongroom iam preview`)"
        raise Refusal(("existing", f"{reason} {rest}")) from error
    declared = (inputs.network, inputs.engine_version, inputs.storage_gb)
    if lacking := [*misfits(found, wanted, *declared)]:
        raise Refusal(*lacking)
    for sentence in changes(found):
        context.say(f"{wanted.identifier}: {sentence}", keep=True)


def _refused(old: LastingInputs, new: LastingInputs) -> Iterator[tuple[str, str]]:
    if new.database != old.database:
        reason = f"the database is called {old.database!r}, and for {new.database!r} RDS makes"
        rest = "another instance, an empty one. Rename it in SQL as root, or keep the name"
        yield "database", f"{reason} {rest}. {_AWAY}"
    if new.network != old.network:
        reason = f"the instance stands in {old.network}, and RDS moves none that has a second zone"
        rest = f"or replicas to {new.network}. Restore a snapshot there, as another stack"
        yield "network", f"{reason} {rest}. {_AWAY}"
    elif new.zones[: len(old.zones)] != old.zones:
        reason = f"there are subnets in the zones {', '.join(old.zones)}, in this order, so with"
        rest = f"{', '.join(new.zones)} one would go that the instance may be in. Add others last"
        yield "zones", f"{reason} {rest}. {_AWAY}"
    if any(new.existing.get(name) != old.existing.get(name) for name in ("identifier", "master")):
        reason = "it is another instance that is declared with other values of `existing`, and"
        rest = "the one there is would go. Leave identifier and master as they are"
        yield "existing", f"{reason} {rest}. {_AWAY}"
    before, after = _version(old.engine_version), _version(new.engine_version)
    # "17" stands for whichever 17 there is: minor versions come by themselves.
    said = min(len(before), len(after))
    if after[:said] < before[:said]:
        reason = f"the instance runs {old.engine_version}, and RDS knows no way back to"
        rest = f"{new.engine_version}. Keep the version, or restore a snapshot of that time"
        yield "engineVersion", f"{reason} {rest}"
    elif after[0] != before[0] and not new.major_upgrade:
        reason = f"{new.engine_version} is another major version than {old.engine_version}:"
        cost = "minutes without a database, a delayed replica that is not delayed, no way back"
        rest = "Try it on a restored snapshot, then set majorUpgrade in strongroom:aws with it"
        yield "engineVersion", f"{reason} {cost}. {rest}"
    if new.storage_gb < old.storage_gb:
        reason = f"the instance has {old.storage_gb} GiB or more, and storage on RDS only grows, so"
        yield "storageGb", f"{reason} {new.storage_gb} GiB would need another one. Keep storageGb"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
