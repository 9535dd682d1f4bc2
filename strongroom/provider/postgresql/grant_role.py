"""postgresql.GrantRole: one membership, granted by the provider's role."""

from collections.abc import Mapping
from typing import Any

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql import membership
from strongroom.provider.postgresql.properties import (
    Nothing,
    PostgresqlResource,
    Served,
    carried,
)
from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.session import Work
from strongroom.provider.resource import Context, Found, replacing


class GrantRoleInputs(Served):
    """The inputs of postgresql.GrantRole."""

    role: str = replacing()
    grant_role: str = replacing()
    with_admin_option: bool = replacing(default=False)


class GrantRole(PostgresqlResource[GrantRoleInputs]):
    """A membership.

    Others' grants of the same one stand beside it: they are neither read as this one nor revoked
    with it. Inherit and set are what PostgreSQL gives a new membership.
    """

    token = "postgresql:index/grantRole:GrantRole"  # noqa: S105 - a type token
    Inputs = GrantRoleInputs
    Outputs = Nothing

    def create(self, context: Context, inputs: GrantRoleInputs) -> Found:
        def granted(work: Work) -> Found:
            old = membership.ours(work, inputs.grant_role, inputs.role)
            if old:
                # So that it has the options of a new one, whatever was done to it.
                membership.revoke(work, old, inputs.role)
            options = {"admin": True} if inputs.with_admin_option else {}
            membership.grant(work, [inputs.grant_role], inputs.role, **options)
            found = membership.ours(work, inputs.grant_role, inputs.role)
            if not found or found.admin != inputs.with_admin_option:
                said = "; ".join(work.warnings) or "nothing"
                raise StrongroomError(
                    f"{inputs.role} would not be a member of {inputs.grant_role} as declared, so "
                    f"nothing was changed. PostgreSQL said: {said}. A role with ADMIN on "
                    f"{inputs.grant_role}, or root, can grant it."
                )
            return _found(found, inputs.role, {})

        doing = f"make {inputs.role} a member of {inputs.grant_role}"
        return self.session.run(doing, granted)

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        role, member = _names(id, state)
        rows = self.session.rows(
            f"read whether {member} is a member of {role}",
            query("membership"),
            {"role": role, "member": member},
        )
        return _found(membership.Membership(role, **rows[0]), member, state) if rows else None

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: GrantRoleInputs
    ) -> Found:
        return self.create(context, inputs)

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        role, member = _names(id, state)

        def revoked(work: Work) -> None:
            found = membership.ours(work, role, member)
            if not found:
                return
            membership.revoke(work, found, member)
            if membership.ours(work, role, member) == found:
                raise StrongroomError(
                    f"{member} is still a member of {role} by a grant of {found.grantor}: "
                    f"PostgreSQL said {'; '.join(work.warnings) or 'nothing'}. That role, or "
                    "root, can revoke it."
                )

        self.session.run(f"end the membership of {member} in {role}", revoked)


def _names(id: str, state: Mapping[str, Any]) -> tuple[str, str]:
    try:
        return state["grantRole"], state["role"]
    except KeyError:
        raise StrongroomError(
            f"A GrantRole cannot be imported ({id}): its id does not tell two roles apart. "
            "Declare it; a membership that is already there is taken over as it is."
        ) from None


def _found(found: membership.Membership, member: str, state: Mapping[str, Any]) -> Found:
    outputs = carried(state) | {
        "role": member,
        "grantRole": found.role,
        "withAdminOption": found.admin,
    }
    return Found(f"{member}_{found.role}_{str(found.admin).lower()}", outputs)
