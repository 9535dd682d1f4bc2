"""postgresql.DefaultPrivileges: what a role is given on objects an owner makes from now on."""

from collections.abc import Mapping
from typing import Any, ClassVar

from psycopg import sql

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.membership import lent
from strongroom.provider.postgresql.privileges import Held, judge, meant, option_seen, words
from strongroom.provider.postgresql.properties import (
    PUBLIC,
    Nothing,
    PostgresqlResource,
    Served,
    carried,
)
from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.session import NoDatabaseError, Row, Work
from strongroom.provider.resource import Context, Found, Refusal, replacing

#: The types of objects that have defaults, and their defaclobjtype ("pg_default_acl").
KINDS: Mapping[str, str] = {
    "table": "r",
    "sequence": "S",
    "function": "f",
    "routine": "f",
    "type": "T",
    "schema": "n",
}


class DefaultPrivilegesInputs(Served):
    """The inputs of postgresql.DefaultPrivileges."""

    unordered: ClassVar[frozenset[str]] = frozenset({"privileges"})

    role: str = replacing()
    database: str = replacing()
    owner: str = replacing()
    object_type: str = replacing()
    privileges: list[str]
    # "schema" would shadow a method of pydantic's.
    in_schema: str | None = replacing(default=None, alias="schema")
    with_grant_option: bool = replacing(default=False)


class DefaultPrivileges(PostgresqlResource[DefaultPrivilegesInputs]):
    """Privileges of one role on an owner's future objects: exactly these."""

    token = "postgresql:index/defaultPrivileges:DefaultPrivileges"  # noqa: S105 - a type token
    Inputs = DefaultPrivilegesInputs
    Outputs = Nothing

    def check(
        self, context: Context, inputs: DefaultPrivilegesInputs, old: Mapping[str, Any]
    ) -> DefaultPrivilegesInputs:
        failures = []
        if inputs.object_type not in KINDS:
            served = ", ".join(sorted(KINDS))
            failures.append(
                ("objectType", f"{inputs.object_type!r} has no default privileges; {served} have")
            )
        if inputs.object_type == "schema" and inputs.in_schema:
            failures.append(("schema", "schemas lie in no schema; leave it out"))
        if inputs.with_grant_option and inputs.role == PUBLIC:
            failures.append(
                ("withGrantOption", "PostgreSQL gives the grant option to roles, never to public")
            )
        if failures:
            raise Refusal(*failures)
        judge(inputs.object_type, inputs.privileges)
        return inputs

    def create(self, context: Context, inputs: DefaultPrivilegesInputs) -> Found:
        said = inputs.dump()

        def changed(work: Work) -> None:
            wanted = meant(inputs.object_type, inputs.privileges, work.version)
            _settle(work, said, wanted, option=inputs.with_grant_option)

        self.session.run(f"set {_told(said)}", changed, inputs.database)
        outputs = {**said, "withGrantOption": inputs.with_grant_option}
        return Found(_id(said), outputs)

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        if not state:
            raise StrongroomError(
                f"Default privileges cannot be imported ({id}): the id does not tell its parts "
                "apart. Declare them; defaults that are already there are taken over as they are."
            )
        try:
            rows = self.session.rows(
                f"read {_told(state)}",
                query("default_privileges"),
                _values(state),
                state["database"],
            )
        except NoDatabaseError:
            return None
        if not rows:
            return None
        said = {**state, **context.inputs}
        held, asked = _held(rows[0]), said.get("privileges") or []
        wanted = meant(state["objectType"], asked, rows[0]["version"])
        if wanted and not held.privileges:
            return None
        outputs = carried(state)
        outputs["privileges"] = asked if held.privileges == wanted else sorted(held.privileges)
        option = bool(context.inputs.get("withGrantOption"))
        outputs["withGrantOption"] = option_seen([held], wanted, grant_option=option)
        return Found(_id(state), outputs)

    def update(
        self,
        context: Context,
        id: str,
        state: Mapping[str, Any],
        inputs: DefaultPrivilegesInputs,
    ) -> Found:
        return self.create(context, inputs)

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        def revoked(work: Work) -> None:
            if work.rows(query("default_privileges"), _values(state)):
                _settle(work, state, frozenset(), option=False)

        try:
            self.session.run(f"end {_told(state)}", revoked, state["database"])
        except NoDatabaseError:
            return


def _settle(work: Work, values: Mapping[str, Any], wanted: frozenset[str], *, option: bool) -> None:
    rows = work.rows(query("default_privileges"), _values(values))
    if not rows:
        place = f" or schema {values['schema']}" if values.get("schema") else ""
        raise StrongroomError(
            f"There is no role {values['owner']}, no role {values['role']}{place} in database "
            f"{values['database']}, so no default was set. Declare what is missing, and let "
            "these DefaultPrivileges depend on it."
        )
    held = _held(rows[0])
    if held.settled(wanted, grant_option=option):
        return
    with lent(work, [values["owner"]]):
        surplus = held.privileges - wanted
        if surplus:
            work.do(_statement(values, "REVOKE", surplus, "FROM"))
        onward = held.grantable & wanted
        if onward and not option:
            work.do(_statement(values, "REVOKE GRANT OPTION FOR", onward, "FROM"))
        if wanted - held.privileges or (option and wanted - held.grantable):
            end = " WITH GRANT OPTION" if option else ""
            work.do(_statement(values, "GRANT", wanted, "TO", end))
    held = _held(work.rows(query("default_privileges"), _values(values))[0])
    if not held.settled(wanted, grant_option=option):
        have = ", ".join(sorted(held.privileges)) or "nothing"
        raise StrongroomError(
            f"The {_told(values)} would be {have}, not what was asked for, so nothing was "
            f"changed. {values['owner']}, a role that inherits it, or root can change them."
        )


def _statement(
    values: Mapping[str, Any], verb: str, privileges: frozenset[str], to: str, end: str = ""
) -> sql.Composed:
    schema = values.get("schema")
    return sql.SQL(
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} {{}} {verb} {{}} ON {{}} {to} {{}}{end}"
    ).format(
        sql.Identifier(values["owner"]),
        sql.SQL("IN SCHEMA {}").format(sql.Identifier(schema)) if schema else sql.SQL(""),
        words(privileges),
        sql.SQL(f"{values['objectType'].upper()}S"),
        sql.Identifier(values["role"]),
    )


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": values["role"],
        "owner": values["owner"],
        "schema": values.get("schema") or None,
        "kind": KINDS[values["objectType"]],
    }


def _held(row: Row) -> Held:
    return Held("", frozenset(row["privileges"]), frozenset(row["grantable"]))


def _told(values: Mapping[str, Any]) -> str:
    place = f" in schema {values['schema']}" if values.get("schema") else ""
    return (
        f"default privileges of {values['role']} on every {values['objectType']} that "
        f"{values['owner']} will make{place}"
    )


def _id(values: Mapping[str, Any]) -> str:
    schema = values.get("schema") or "noschema"
    parts = (values["role"], values["database"], schema, values["owner"], values["objectType"])
    return "_".join(parts)
