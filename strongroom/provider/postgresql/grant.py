"""postgresql.Grant: exactly these privileges of one role on some objects, no more and no fewer."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.grant_target import KINDS, Object, Target, found
from strongroom.provider.postgresql.membership import lent
from strongroom.provider.postgresql.privileges import Held, judge, meant, option_seen, seen
from strongroom.provider.postgresql.properties import (
    PUBLIC,
    Nothing,
    PostgresqlResource,
    Served,
    as_said,
    carried,
)
from strongroom.provider.postgresql.session import NoDatabaseError, Row, Work
from strongroom.provider.resource import Context, Found, Refusal, replacing

#: Objects named in one message; the rest are counted.
_NAMED = 4


class GrantInputs(Served):
    """The inputs of postgresql.Grant."""

    unordered: ClassVar[frozenset[str]] = frozenset({"privileges", "objects", "columns"})

    role: str = replacing()
    database: str = replacing()
    object_type: str = replacing()
    privileges: list[str]
    # "schema" would shadow a method of pydantic's.
    in_schema: str | None = replacing(default=None, alias="schema")
    objects: list[str] | None = replacing(default=None)
    columns: list[str] | None = replacing(default=None)
    with_grant_option: bool = replacing(default=False)


class Grant(PostgresqlResource[GrantInputs]):
    """Privileges of one role on a database, a schema, or objects in a schema."""

    token = "postgresql:index/grant:Grant"  # noqa: S105 - a type token
    Inputs = GrantInputs
    Outputs = Nothing

    def check(self, context: Context, inputs: GrantInputs, old: Mapping[str, Any]) -> GrantInputs:
        if inputs.object_type not in KINDS:
            raise Refusal(
                (
                    "objectType",
                    f"{inputs.object_type!r} is not served; there is {', '.join(sorted(KINDS))}",
                )
            )
        failures = list(_misfits(inputs))
        if failures:
            raise Refusal(*failures)
        judge(inputs.object_type, inputs.privileges)
        return inputs

    def create(self, context: Context, inputs: GrantInputs) -> Found:
        said = inputs.dump()
        target = Target.of(said)

        def granted(work: Work) -> None:
            wanted = meant(target.object_type, inputs.privileges, work.version)
            _settle(work, target, wanted, option=inputs.with_grant_option)

        doing = f"set the privileges of {target.role} on {target}"
        self.session.run(doing, granted, target.place)
        outputs = {**said, "withGrantOption": inputs.with_grant_option}
        return Found(_id(target), outputs)

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        if not state:
            raise StrongroomError(
                f"A Grant cannot be imported ({id}): its id does not tell its parts apart. "
                "Declare it; privileges that are already there are taken over as they are."
            )
        # Judged by what was said: the state may hold what an earlier read found.
        said = {**state, **context.inputs}
        target, asked = Target.of(said), said.get("privileges") or []
        try:
            rows = self.session.rows(
                f"read the privileges of {target.role} on {target}",
                target.question,
                target.values(asked),
                target.place,
            )
        except NoDatabaseError:
            return None
        if _missing(target, rows):
            return None
        return Found(_id(target), _outputs(context, target, rows, said))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: GrantInputs
    ) -> Found:
        return self.create(context, inputs)

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        target, asked = Target.of(state), state.get("privileges") or []
        if target.object_type == "column" and not (target.columns and asked):
            return

        def revoked(work: Work) -> None:
            _settle(work, target, frozenset(), option=False, asked=asked)

        doing = f"revoke the privileges of {target.role} on {target}"
        try:
            self.session.run(doing, revoked, target.place)
        except NoDatabaseError:
            return


def _misfits(inputs: GrantInputs) -> Iterable[tuple[str, str]]:
    what = inputs.object_type
    if what != "database" and not inputs.in_schema:
        yield "schema", f"a grant on a {what} has to say in which schema; set schema"
    if inputs.objects and what in ("database", "schema"):
        yield "objects", f"a {what} is named by {what}, not by objects; leave objects out"
    if what == "column":
        if len(inputs.objects or ()) != 1:
            yield "objects", "columns belong to one table; name exactly one"
        if len(inputs.privileges) != 1:
            yield "privileges", "a grant on columns takes one privilege; declare one Grant each"
        if not inputs.columns:
            yield "columns", "a grant on columns has to name them; set columns"
    elif inputs.columns:
        yield "columns", f"a {what} has no columns to name; leave them out or grant on column"
    if inputs.with_grant_option and inputs.role == PUBLIC:
        yield "withGrantOption", "PostgreSQL gives the grant option to roles, never to public"


def _settle(
    work: Work,
    target: Target,
    wanted: frozenset[str],
    *,
    option: bool,
    asked: Iterable[str] | None = None,
) -> None:
    """Bring what the role holds to exactly `wanted`, and make sure of it.

    Args:
        work: the transaction.
        target: whose privileges on what.
        wanted: the privileges; none to end the grant.
        option: whether the role can grant them on.
        asked: the privileges the grant was about, when it ends.
    """
    ending = asked is not None
    values = target.values(asked if asked is not None else wanted)
    rows = work.rows(target.question, values)
    if not ending:
        _complete(target, rows)
    off = [each for each in found(rows) if not each.held.settled(wanted, grant_option=option)]
    if not off:
        return
    owners = set() if target.object_type == "database" else {each.owner for each in off}
    with lent(work, owners):
        surplus = frozenset().union(*(each.held.privileges - wanted for each in off))
        if surplus:
            work.do(target.revoke(surplus, off))
        onward = frozenset().union(*(each.held.grantable & wanted for each in off))
        if onward and not option:
            work.do(target.revoke(onward, off, option=True))
        lacking = [each for each in off if _lacks(each.held, wanted, option=option)]
        if lacking:
            work.do(target.grant(wanted, lacking, option=option))
    rest = found(work.rows(target.question, values))
    off = [each for each in rest if not each.held.settled(wanted, grant_option=option)]
    if off:
        warned = "; ".join(sorted(set(work.warnings)))
        said = f" PostgreSQL said: {warned}." if warned else ""
        raise StrongroomError(
            f"The privileges of {target.role} on {target} would not be what was asked for, so "
            f"nothing was changed: {_told(off, wanted, option=option)}.{said} A privilege is "
            "granted by the object's owner, or a role with the grant option, and revoked by "
            "whoever granted it; root can do either."
        )


def _lacks(held: Held, wanted: frozenset[str], *, option: bool) -> bool:
    return bool(wanted - held.privileges or (option and wanted - held.grantable))


def _missing(target: Target, rows: list[Row]) -> bool:
    """Whether there is no such role, or nothing that objects could lie in."""
    return not rows or (target.object_type == "database" and not found(rows))


def _complete(target: Target, rows: list[Row]) -> None:
    """Make sure that everything the grant names is there, and means one thing."""
    if _missing(target, rows):
        place = f", no schema {target.schema} in it" if target.schema else ""
        raise StrongroomError(
            f"There is no role {target.role}, no database {target.database}{place}, so nothing "
            "was granted. Declare what is missing, and let this Grant depend on it."
        )
    there = [each.listed for each in found(rows)]
    missing = [name for name in target.listed if name not in there]
    if missing:
        raise StrongroomError(
            f"{', '.join(missing)} cannot be found as {target.object_type} in schema "
            f"{target.schema} of database {target.database}, so nothing was granted. Make what "
            "is missing first, or take it out. A routine is named as it was made, its argument "
            "types with their schema: area(integer, app.shape)."
        )
    twice = sorted({name for name in target.listed if there.count(name) > 1})
    if twice:
        raise StrongroomError(
            f"There is more than one {target.object_type} {', '.join(twice)} in schema "
            f"{target.schema}, so nothing was granted. Name the argument types: "
            f"{twice[0]}(integer, text)."
        )


def _told(off: list[Object], wanted: frozenset[str], *, option: bool) -> str:
    """Which objects differ and how, in words."""
    parts = []
    for each in off[:_NAMED]:
        held = each.held
        differs = []
        if wanted - held.privileges:
            lacking = ", ".join(sorted(wanted - held.privileges))
            differs.append(f"{lacking} is not held (owner {each.owner})")
        if held.privileges - wanted:
            by = [entry for entry in held.grantors if entry.split(" by ")[0] not in wanted]
            differs.append(f"held beyond it: {', '.join(sorted(by))}")
        if not differs:
            differs.append("the grant option is missing" if option else "it can be granted on")
        parts.append(f"on {held.name} {' and '.join(differs)}")
    more = f"; and {len(off) - _NAMED} more objects" if len(off) > _NAMED else ""
    return "; ".join(parts) + more


def _outputs(
    context: Context, target: Target, rows: list[Row], said: Mapping[str, Any]
) -> dict[str, Any]:
    asked, option = said.get("privileges") or [], bool(context.inputs.get("withGrantOption"))
    wanted = meant(target.object_type, asked, rows[0]["version"])
    objects = found(rows)
    there = {each.listed for each in objects}
    objects += [
        Object(name, name, "nobody: it is not there", Held(name, frozenset(), frozenset()))
        for name in target.listed
        if name not in there
    ]
    off = [each for each in objects if not each.held.settled(wanted, grant_option=option)]
    if off:
        context.say(f"{target.role}: {_told(off, wanted, option=option)}", keep=True)
    outputs = carried(said)
    held = [each.held for each in objects]
    outputs["withGrantOption"] = option_seen(held, wanted, grant_option=option)
    if target.object_type == "column":
        kept = [each.listed for each in objects if wanted <= each.held.privileges]
        outputs["columns"] = as_said(kept, said.get("columns"))
    else:
        actual = seen(held, wanted)
        outputs["privileges"] = asked if actual == wanted else sorted(actual)
    return outputs


def _id(target: Target) -> str:
    """The official plugin's id; its sets are ordered by the text of each member's CRC-32."""
    parts = [target.role, target.database]
    parts += [target.schema or ""] if target.object_type != "database" else []
    parts.append(target.object_type)
    for members in (target.objects, target.columns):
        parts += sorted(set(members), key=lambda each: str(zlib.crc32(each.encode())))
    return "_".join(parts)
