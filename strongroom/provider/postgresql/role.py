"""postgresql.Role: one role, its attributes, its memberships and its settings."""

from collections.abc import Mapping
from typing import Any

from psycopg import errors, sql

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql import membership, role_catalog
from strongroom.provider.postgresql.properties import PostgresqlResource, named, same
from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.role_catalog import FLAGS, ROLE, SETTINGS
from strongroom.provider.postgresql.role_properties import (
    RoleInputs,
    RoleOutputs,
    differing,
    outputs,
    same_instant,
)
from strongroom.provider.postgresql.session import Work
from strongroom.provider.resource import Context, Diff, Found, Refusal


class Role(PostgresqlResource[RoleInputs]):
    """A role without a password."""

    token = "postgresql:index/role:Role"  # noqa: S105 - a type token
    Inputs = RoleInputs
    Outputs = RoleOutputs

    def check(self, context: Context, inputs: RoleInputs, old: Mapping[str, Any]) -> RoleInputs:
        name = named(context, inputs.name, old)
        if name.startswith("pg_") or name in ("public", "none"):
            raise Refusal(
                ("name", f"{name!r} is kept by PostgreSQL for itself; choose another name")
            )
        return inputs.model_copy(update={"name": name})

    def diff(self, context: Context, state: Mapping[str, Any], inputs: RoleInputs) -> Diff:
        found = super().diff(context, state, inputs)
        if not same_instant(state.get("validUntil"), inputs.valid_until):
            return found
        return Diff(tuple(each for each in found.updates if each != "validUntil"), found.replaces)

    def create(self, context: Context, inputs: RoleInputs) -> Found:
        def made(work: Work) -> Found:
            flags = {name: getattr(inputs, name) for name in FLAGS}
            work.do(
                role_catalog.create(inputs.name, flags, inputs.connection_limit, inputs.valid_until)
            )
            if inputs.roles:
                membership.grant(work, sorted(set(inputs.roles)), inputs.name)
            _set(work, inputs, {})
            return self._verified(work, inputs)

        doing = f"create role {inputs.name}"
        try:
            return self.session.run(doing, made)
        except StrongroomError as error:
            if not isinstance(error.__cause__, errors.DuplicateObject):
                raise
        return self.session.run(doing, lambda work: self._adopted(work, inputs))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        name = state.get("name") or id
        said = {**state, **context.inputs}
        rows = self.session.rows(
            f"read role {name}", ROLE, role_catalog.parameters(name, said.get("validUntil"))
        )
        if not rows:
            return None
        found = outputs(role_catalog.from_row(rows[0]), said)
        if state:
            return Found(name, found)
        # An import: what a program would have to say.
        wanted = {info.alias or key for key, info in RoleInputs.model_fields.items()}
        inputs = {key: value for key, value in found.items() if key in wanted and value != ""}
        return Found(name, found, inputs)

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: RoleInputs
    ) -> Found:
        before = state.get("name") or id

        def changed(work: Work) -> Found:
            if before != inputs.name and _find(work, before, None):
                work.do(role_catalog.rename(before, inputs.name))
            found = _find(work, inputs.name, inputs.valid_until)
            if not found:
                raise StrongroomError(
                    f"Role {inputs.name} was dropped after Pulumi last looked, so it cannot be "
                    "changed. Run `pulumi up --refresh`, which makes it anew."
                )
            _alter(work, found, inputs)
            return self._verified(work, inputs, state)

        return self.session.run(f"change role {inputs.name}", changed)

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        name = state.get("name") or id
        skip_reassign, skip_drop = state.get("skipReassignOwned"), state.get("skipDropRole")

        def dropped(work: Work) -> None:
            if not _find(work, name, None):
                return
            if not skip_reassign:
                _hand_over(work, name)
            if not skip_drop:
                work.do(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

        self.session.run(f"drop role {name}", dropped)

    def _adopted(self, work: Work, inputs: RoleInputs) -> Found:
        """Take over a role that a killed run left behind; nobody else's."""
        found = _find(work, inputs.name, inputs.valid_until)
        wrong = differing(found, inputs) if found else ["it is gone again"]
        if found and not found.ours:
            wrong.append("this session has no ADMIN on it")
        if not found or wrong:
            raise StrongroomError(
                f"Role {inputs.name} exists already and is not what the program declares "
                f"({', '.join(wrong)}), so it was left alone. Take it over with `pulumi "
                f"import {self.token} NAME {inputs.name}`, or drop it and run again."
            )
        return Found(found.name, outputs(found, inputs.dump()))

    def _verified(
        self, work: Work, inputs: RoleInputs, state: Mapping[str, Any] | None = None
    ) -> Found:
        found = _find(work, inputs.name, inputs.valid_until)
        wrong = differing(found, inputs) if found else ["it is gone"]
        if not found or wrong:
            said = f" PostgreSQL said: {'; '.join(work.warnings)}." if work.warnings else ""
            raise StrongroomError(
                f"Role {inputs.name} would not be what the program declares "
                f"({'; '.join(wrong)}), so nothing was changed.{said} A membership is "
                "revoked by the role that granted it, or by root: REVOKE … GRANTED BY that role."
            )
        return Found(found.name, outputs(found, {**(state or {}), **inputs.dump()}))


def _find(work: Work, name: str, valid_until: str | None) -> role_catalog.Role | None:
    rows = work.rows(ROLE, role_catalog.parameters(name, valid_until))
    return role_catalog.from_row(rows[0]) if rows else None


def _alter(work: Work, found: role_catalog.Role, inputs: RoleInputs) -> None:
    name = inputs.name
    flags = {key: getattr(inputs, key) for key in FLAGS if getattr(inputs, key) != found.flags[key]}
    limit = inputs.connection_limit
    statement = role_catalog.alter(
        name,
        flags,
        None if limit == found.connection_limit else limit,
        None if found.valid_as_said else inputs.valid_until,
    )
    if statement:
        work.do(statement)
    _move(work, found, inputs)
    _set(work, inputs, found.settings)


def _move(work: Work, found: role_catalog.Role, inputs: RoleInputs) -> None:
    """Change memberships by difference: what stays keeps the options others gave it."""
    name, wanted = found.name, frozenset(inputs.roles or ())
    before = found.flags["inherit"]
    for each in found.memberships:
        if each.role not in wanted:
            membership.revoke(work, each, name)
        elif before != inputs.inherit and each.inherit == before:
            # It took the role's INHERIT when it was granted, and follows it.
            mine = membership.ours(work, each.role, name)
            if mine and mine.grantor == each.grantor:
                membership.grant(work, [each.role], name, inherit=inputs.inherit)
    missing = wanted - found.roles
    if missing:
        membership.grant(work, sorted(missing), name)


def _set(work: Work, inputs: RoleInputs, have: Mapping[str, Any]) -> None:
    for name, setting in SETTINGS.items():
        wanted = getattr(inputs, name)
        if not same(wanted, have.get(name)):
            work.do(role_catalog.set_setting(inputs.name, setting, wanted))


def _hand_over(work: Work, name: str) -> None:
    """Give what the role owns here to this session's role, and revoke what it was granted.

    Only what there is: a guard may refuse DROP OWNED, which most roles do not need.
    """
    hanging = work.rows(query("dependents"), {"name": name})[0]
    if not hanging["all"]:
        return
    role = sql.Identifier(name)
    with membership.lent(work, [name]):
        if hanging["owned"]:
            work.do(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
        if work.rows(query("dependents"), {"name": name})[0]["all"]:
            work.do(sql.SQL("DROP OWNED BY {}").format(role))
