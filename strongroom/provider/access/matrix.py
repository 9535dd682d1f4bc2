"""strongroom:access:Matrix."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
from pydantic import Field

from strongroom import reach
from strongroom.errors import StrongroomError
from strongroom.provider.access.held import Held, HeldInputs
from strongroom.provider.resource import Context, Diff, Properties
from strongroom.rights.comparison import Deviation, compare, counts
from strongroom.rights.declared import difference
from strongroom.rights.findings import sentences
from strongroom.rights.inspection import inspect, seen_within
from strongroom.rights.model import Snapshot
from strongroom.rights.putting_right import put_right
from strongroom.rights.standing import Standing, standings
from strongroom.rights.stated import understood

#: People whose change is told in words; the rest is read in the diff.
_TOLD = 50

#: Taking something back can bring to light what was hidden behind it.
_ROUNDS = 3


class MatrixInputs(HeldInputs):
    """What the matrix is declared with."""

    schemas: list[str] = Field(description="The guarded schemas.")
    effective: dict[str, str] = Field(
        default={},
        description="For each engineer and service in one line all it can do in the end: by area "
        "each privilege, and through whom. Whatever else anybody can do is too much.",
    )


class MatrixOutputs(Properties):
    """What is not as declared."""

    drift: list[str] = Field(
        description="Who can do more or less than declared, what, and through which grant."
    )


class Matrix(Held[MatrixInputs]):
    """Everything everybody can do: declared, looked up in the catalogs, and held to.

    Comes after all roles and grants. What was granted by hand is taken back and what is missing
    is granted; if anybody can do more or less than declared even then, it fails and says who,
    what, and through which grant.
    """

    token = "strongroom:access:Matrix"  # noqa: S105 - a type token
    Inputs = MatrixInputs
    Outputs = MatrixOutputs

    def diff(self, context: Context, state: Mapping[str, Any], inputs: MatrixInputs) -> Diff:
        _explain(context, state.get("effective", {}), inputs)
        return super().diff(context, state, inputs)

    def drift(self, inputs: MatrixInputs) -> tuple[MatrixInputs, list[str]]:
        snapshot, wanted = inspect(inputs.sign_in), _wanted(inputs)
        return inputs, sentences(compare(snapshot, wanted), snapshot, wanted)

    def converge(self, context: Context, inputs: MatrixInputs, state: Mapping[str, Any]) -> None:
        _converge(inputs)


def _wanted(inputs: MatrixInputs) -> dict[str, Standing]:
    people = {role: understood(line) for role, line in inputs.effective.items()}
    return standings(inputs.schemas, people, inputs.root)


def _explain(context: Context, before: Mapping[str, str], inputs: MatrixInputs) -> None:
    """Say whose rights change, and how, a line for each person."""
    changed = sorted(
        role
        for role in {*before, *inputs.effective}
        if before.get(role, "") != inputs.effective.get(role, "")
    )
    if not changed:
        return
    size = ""
    with suppress(StrongroomError):
        tables, schemas = counts(inspect(inputs.sign_in), inputs.schemas)
        size = f" ({_many(tables, 'table')}, {_many(schemas, 'schema')})"
    for role in changed[:_TOLD]:
        old, new = (understood(lines.get(role, "")) for lines in (before, inputs.effective))
        if changes := difference(old, new):
            context.say(f"{role}: {'; '.join(changes)}{size}", keep=True)
    if len(changed) > _TOLD:
        context.say(f"and {len(changed) - _TOLD} more people: see the diff", keep=True)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _converge(inputs: MatrixInputs) -> None:
    wanted = _wanted(inputs)
    try:
        with reach.connect(
            inputs.sign_in, application_name="strongroom", connect_timeout=10
        ) as connection:
            snapshot = seen_within(connection)
            deviations = compare(snapshot, wanted)
            for _ in range(_ROUNDS):
                if not deviations:
                    break
                put_right(connection, deviations)
                snapshot = seen_within(connection)
                deviations = compare(snapshot, wanted)
    except psycopg.Error as error:
        raise StrongroomError(
            f"The rights could not be looked at and put right: {' '.join(str(error).split())}. "
            "Nothing was changed. Mend the cause and run `pulumi up` again."
        ) from error
    if deviations:
        raise _not_as_declared(deviations, snapshot, wanted)


def _not_as_declared(
    deviations: list[Deviation], snapshot: Snapshot, wanted: Mapping[str, Standing]
) -> StrongroomError:
    found = sentences(deviations, snapshot, wanted)
    lines = "".join(f"\n  - {sentence}" for sentence in found)
    return StrongroomError(
        "The rights are not as declared, and what is left cannot be put right from here:"
        f"{lines}\nEverything else is done. Declare it in the roster if it is meant; if not, who "
        "granted it has to take it back, for a grant of root's by `strongroom root break-glass "
        "NAME --root`. Then run `pulumi up` again."
    )
