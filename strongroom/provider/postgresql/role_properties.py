"""The properties of postgresql.Role, and a role from the catalogs in their words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from strongroom.provider.postgresql.properties import Served, as_said, carried, same
from strongroom.provider.postgresql.role_catalog import FLAGS, SETTINGS, Role
from strongroom.provider.resource import Properties

_NO_PASSWORDS = (
    "no role gets a password here: people and services sign in with certificates, and a password "
    "would lie in Pulumi's state; leave it out"
)


class RoleInputs(Served):
    """The inputs of postgresql.Role that are served here."""

    refused: ClassVar[Mapping[str, str]] = {
        "password": _NO_PASSWORDS,
        "passwordWo": _NO_PASSWORDS,
        "passwordWoVersion": _NO_PASSWORDS,
        "encrypted": "it is deprecated, and no role gets a password here; leave it out",
    }
    secret: ClassVar[frozenset[str]] = frozenset({"password", "passwordWo"})
    unordered: ClassVar[frozenset[str]] = frozenset({"roles"})

    # Empty: made from the resource's name in the program.
    name: str = ""
    superuser: bool = False
    create_database: bool = False
    create_role: bool = False
    inherit: bool = True
    login: bool = False
    replication: bool = False
    bypass_row_level_security: bool = False
    connection_limit: int = Field(default=-1, ge=-1)
    valid_until: str = "infinity"
    encrypted_password: Literal[True] = True
    roles: list[str] | None = None
    search_paths: list[str] | None = None
    statement_timeout: int | None = Field(default=None, ge=0)
    idle_in_transaction_session_timeout: int | None = Field(default=None, ge=0)
    assume_role: str | None = None
    skip_drop_role: bool = False
    skip_reassign_owned: bool = False

    @field_validator("valid_until")
    @classmethod
    def _always_said(cls, value: str) -> str:
        return "infinity" if value.lower() in ("", "infinity") else value


class RoleOutputs(Properties):
    """What every role has."""

    name: str


def differing(found: Role, inputs: RoleInputs) -> list[str]:
    """What of a role is not as declared, in words; empty when it is."""
    wrong = [
        f"{name} is {found.flags[name]}"
        for name in FLAGS
        if found.flags[name] != getattr(inputs, name)
    ]
    if found.connection_limit != inputs.connection_limit:
        wrong.append(f"connection_limit is {found.connection_limit}")
    if not found.valid_as_said:
        wrong.append(f"valid_until is {found.valid_until}")
    wrong += [
        f"{name} is {found.settings.get(name)}"
        for name in SETTINGS
        if not same(found.settings.get(name), getattr(inputs, name))
    ]
    wanted = frozenset(inputs.roles or ())
    wrong += [f"it is not a member of {role}" for role in sorted(wanted - found.roles)]
    wrong += [
        f"it is a member of {each.role}, granted by {each.grantor}"
        for each in found.memberships
        if each.role not in wanted
    ]
    return wrong


def outputs(found: Role, said: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a role.

    Args:
        found: the role.
        said: inputs or earlier state, in whose words it is told where they mean the same.
    """
    told = carried(said) | {
        "name": found.name,
        **{_alias(name): on for name, on in found.flags.items()},
        "connectionLimit": found.connection_limit,
        "validUntil": said.get("validUntil") if found.valid_as_said else None,
        "encryptedPassword": True,
        "roles": as_said(found.roles, said.get("roles")),
        "searchPaths": as_said(
            found.settings.get("search_paths", []), said.get("searchPaths"), unordered=False
        ),
        "skipDropRole": bool(said.get("skipDropRole")),
        "skipReassignOwned": bool(said.get("skipReassignOwned")),
    }
    told["validUntil"] = told["validUntil"] or found.valid_until
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        told[_alias(name)] = found.settings.get(name, 0)
    told["assumeRole"] = found.settings.get("assume_role", "")
    # Of 1,000 roles nobody wants to be told what each is not.
    return {
        name: value
        for name, value in told.items()
        if name in said or not same(value, _DEFAULTS.get(name))
    }


def same_instant(one: Any, other: str) -> bool:
    """Whether two texts with a time zone each name the same instant."""
    try:
        times = [datetime.fromisoformat(each) for each in (one, other)]
    except (TypeError, ValueError):
        return False
    return all(each.tzinfo for each in times) and times[0] == times[1]


_DEFAULTS = {info.alias or name: info.default for name, info in RoleInputs.model_fields.items()}


def _alias(name: str) -> str:
    return RoleInputs.model_fields[name].alias or name
