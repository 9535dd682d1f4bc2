"""strongroom:access:Memberships."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from pydantic import Field

from strongroom.errors import StrongroomError
from strongroom.provider.access.held import Held, HeldInputs
from strongroom.provider.access.session import connect
from strongroom.provider.access.sessions import Members, end_sessions, losers
from strongroom.provider.resource import Context, Diff, Properties, Refusal

_QUERY = """
SELECT pg_get_userbyid(roleid), pg_get_userbyid(member), pg_get_userbyid(grantor),
       inherit_option, set_option, admin_option, pg_get_userbyid(grantor) = current_user
FROM pg_catalog.pg_auth_members
WHERE pg_get_userbyid(roleid) = ANY (%s) AND pg_get_userbyid(member) NOT IN (current_user, %s)
ORDER BY 1, 2, 3
"""

#: What a membership lets a member do: have the group's rights, or switch to it by SET ROLE.
_OPTIONS = {"INHERIT": (True, False), "SET": (False, True), "INHERIT, SET": (True, True)}


class MembershipsInputs(HeldInputs):
    """What memberships are declared with."""

    members: dict[str, dict[str, str]] = Field(
        description="For each group all its members and what each may do with it: INHERIT (has "
        "its rights), SET (may switch to it) or both. Whoever else is in it is taken out."
    )
    lent: dict[str, str] = Field(
        default={},
        description="Until when (ISO 8601) a higher tier is lent to whom: after that, fewer "
        "rights than declared are what was to be expected.",
    )
    roles: str = Field(
        default="",
        description="A digest of the roles as declared: a changed role gets its memberships "
        "anew with PostgreSQL's own options, which then have to be set again.",
    )


class MembershipsOutputs(Properties):
    """What is not as declared."""

    drift: list[str] = Field(description="What is not as declared; empty when all is well.")


@dataclass(frozen=True)
class _Row:
    group: str
    member: str
    grantor: str
    inherit: bool
    settable: bool
    admin: bool
    own: bool

    @property
    def options(self) -> str:
        names = {value: name for name, value in _OPTIONS.items()}
        options = names.get((self.inherit, self.settable), "nothing")
        return f"{options}, ADMIN" if self.admin else options


class Memberships(Held[MembershipsInputs]):
    """Who is in each group of roles, completely, and what membership lets them do.

    A tier lends its rights (INHERIT) but is never worn (SET FALSE): what a person does stays
    that person's, and nothing is ever owned by a tier. pulumi_postgresql can grant memberships
    but neither sets these options nor notices a member it did not declare. Sessions of whoever
    loses a group end.
    """

    token = "strongroom:access:Memberships"  # noqa: S105 - a type token
    Inputs = MembershipsInputs
    Outputs = MembershipsOutputs

    def diff(self, context: Context, state: Mapping[str, Any], inputs: MembershipsInputs) -> Diff:
        lose = losers(state.get("members", {}), inputs.members)
        if lose:
            context.say(f"rights are lost by {', '.join(lose)}: open sessions end", keep=True)
        return super().diff(context, state, inputs)

    def drift(self, inputs: MembershipsInputs) -> tuple[MembershipsInputs, list[str]]:
        with connect(inputs.sign_in) as connection:
            rows = _rows(connection, inputs)
        inputs = _after_what_is_over(inputs, rows)
        return inputs, _drift(inputs, rows)

    def check(
        self, context: Context, inputs: MembershipsInputs, old: Mapping[str, Any]
    ) -> MembershipsInputs:
        failures = [
            (
                "members",
                f"{member} in {group}: {options!r} is none of {', '.join(map(repr, _OPTIONS))}",
            )
            for group, members in inputs.members.items()
            for member, options in members.items()
            if options not in _OPTIONS
        ]
        if failures:
            raise Refusal(*failures)
        return super().check(context, inputs, old)

    def converge(
        self, context: Context, inputs: MembershipsInputs, state: Mapping[str, Any]
    ) -> None:
        before: Members = state.get("members", {})
        with connect(inputs.sign_in) as connection:
            had = _members(_rows(connection, inputs))
            self._put_all_right(connection, inputs)
            # What the catalog held, and what it held before this run changed roles.
            lose = {*losers(had, inputs.members), *losers(before, inputs.members)}
            if ended := end_sessions(connection, lose):
                context.say(f"ended the sessions of {', '.join(ended)}", keep=True)

    def _put_all_right(
        self, connection: psycopg.Connection[Any], inputs: MembershipsInputs
    ) -> None:
        with connection.transaction():
            # Our own grants first: what a member with ADMIN granted on goes with its ADMIN.
            for own in (True, False):
                for row, declared in _wrong(inputs, _rows(connection, inputs)):
                    if row.own is own:
                        _put_right(connection, row, declared)
            for group, member in _missing(inputs, _rows(connection, inputs)):
                _add(connection, group, member, inputs.members[group][member])
            left = _drift(inputs, _rows(connection, inputs))
            if left:
                raise StrongroomError(
                    f"The memberships are not as declared: {'; '.join(left)}. Nothing was changed."
                )


def _rows(connection: psycopg.Connection[Any], inputs: MembershipsInputs) -> list[_Row]:
    return [_Row(*row) for row in connection.execute(_QUERY, [list(inputs.members), inputs.root])]


def _members(rows: list[_Row]) -> dict[str, dict[str, str]]:
    """What the catalog holds, as it would be declared."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.group, {})[row.member] = row.options
    return found


def _after_what_is_over(inputs: MembershipsInputs, rows: list[_Row]) -> MembershipsInputs:
    """The declared members, with those as they are found whose elevation has been ended."""
    now, found, members = datetime.now(UTC), _members(rows), dict(inputs.members)
    for who, until in inputs.lent.items():
        own = {group: each[who] for group, each in found.items() if who in each}
        ended = {
            group: {**{name: each[name] for name in each if name != who}, **_only(own, group, who)}
            for group, each in members.items()
        }
        known = bool(own) and all(options in _OPTIONS for options in own.values())
        over = datetime.fromisoformat(until) <= now
        if over and known and who not in losers(ended, members):
            members = ended
    return inputs.model_copy(update={"members": members})


def _only(own: Mapping[str, str], group: str, who: str) -> dict[str, str]:
    return {who: own[group]} if group in own else {}


def _wrong(inputs: MembershipsInputs, rows: list[_Row]) -> list[tuple[_Row, str | None]]:
    """Memberships that are not as declared, each with what is declared."""
    pairs = ((row, inputs.members[row.group].get(row.member)) for row in rows)
    return [(row, declared) for row, declared in pairs if declared != row.options]


def _put_right(connection: psycopg.Connection[Any], row: _Row, declared: str | None) -> None:
    names = [sql.Identifier(name) for name in (row.group, row.member, row.grantor)]
    statements = []
    if declared is None:
        statements.append(sql.SQL("REVOKE {} FROM {} GRANTED BY {} CASCADE").format(*names))
    else:
        if row.admin:
            revoke = "REVOKE ADMIN OPTION FOR {} FROM {} GRANTED BY {} CASCADE"
            statements.append(sql.SQL(revoke).format(*names))
        by = sql.SQL(" GRANTED BY {}").format(names[2])
        statements.append(_grant(row.group, row.member, declared) + by)
    try:
        for statement in statements:
            connection.execute(statement)
    except psycopg.Error as error:
        raise StrongroomError(
            f"{row.member} is in {row.group} with {row.options} by a grant of {row.grantor}; "
            f"declared is {declared or 'no membership'}, and it cannot be changed from here: "
            f"{' '.join(str(error).split())}. Nothing was changed. Whoever can act as "
            f"{row.grantor} has to take the grant back."
        ) from error


def _add(connection: psycopg.Connection[Any], group: str, member: str, declared: str) -> None:
    try:
        connection.execute(_grant(group, member, declared))
    except psycopg.Error as error:
        raise StrongroomError(
            f"{member} is not in {group} and cannot be taken in: {' '.join(str(error).split())}. "
            "Nothing was changed. Make the role first: `pulumi up --refresh` finds what is missing."
        ) from error


def _grant(group: str, member: str, declared: str) -> sql.Composed:
    inherit, settable = (sql.Literal(option) for option in _OPTIONS[declared])
    return sql.SQL("GRANT {} TO {} WITH INHERIT {}, SET {}").format(
        sql.Identifier(group), sql.Identifier(member), inherit, settable
    )


def _missing(inputs: MembershipsInputs, rows: list[_Row]) -> list[tuple[str, str]]:
    present = {(row.group, row.member) for row in rows}
    declared = ((group, member) for group, members in inputs.members.items() for member in members)
    return [pair for pair in declared if pair not in present]


def _drift(inputs: MembershipsInputs, rows: list[_Row]) -> list[str]:
    drift = []
    for row, declared in _wrong(inputs, rows):
        if declared is None:
            drift.append(f"{row.member} is in {row.group} by a grant of {row.grantor}, undeclared")
        else:
            drift.append(f"{row.member} has {row.options} on {row.group} instead of {declared}")
    missing = _missing(inputs, rows)
    return drift + [f"{member} is not in {group}" for group, member in missing]
