"""Roles and rights: what no roster, no program and no slip may give."""

from collections.abc import Iterator
from typing import Any

from policy.resource import Resource
from policy.rule import rule
from policy.rules.types import (
    DATABASE,
    DEFAULT_PRIVILEGES,
    DEFAULT_PRIVILEGES_BEFORE,
    GRANT,
    GRANT_ROLE,
    MEMBERSHIPS,
    ROLE,
    SCHEMA,
)
from policy.stack import Stack
from strongroom.tiers import APP_OWNER, GATE, GROUPS, NEVER_GIVEN, PROVISIONER, Tier

_FUTURE = (DEFAULT_PRIVILEGES, DEFAULT_PRIVILEGES_BEFORE)
_READER = GROUPS[Tier.JUNIOR].role
_FULL = GROUPS[Tier.SENIOR].role
_TIER_ROLES = frozenset(group.role for group in GROUPS.values())
#: Roles that hold what they hold for others, and nobody signs in as.
_HOLDERS = frozenset({_FULL, GATE, APP_OWNER})

_POWERS = {
    "superuser": "superuser",
    "createDatabase": "create_database",
    "createRole": "create_role",
    "bypassRowLevelSecurity": "bypass_row_level_security",
    "replication": "replication",
}
_PASSWORDS = ("password", "passwordWo")
#: What is no right on rows: it is a way around every right.
_NEVER_LENT = frozenset(
    {
        *(PROVISIONER, "postgres", "rds_superuser", "rds_replication", "rds_password"),
        *("pg_write_all_data", "pg_maintain", "pg_execute_server_program", "pg_signal_backend"),
        *("pg_read_server_files", "pg_write_server_files", "pg_create_subscription"),
        *("pg_database_owner", "pg_checkpoint", "pg_use_reserved_connections"),
    }
)
_WRITES = frozenset({"INSERT", "UPDATE", "MAINTAIN"})
_LOSES_ROWS = frozenset({"DELETE", "TRUNCATE", "ALL", "ALL PRIVILEGES"})


@rule(
    "role-without-powers",
    "No role is superuser, makes databases or roles, passes row security or replicates",
    remedy="Leave it out: root does what takes such a power, by machines and on the record",
    on=(ROLE,),
)
def without_powers(role: Resource, _: Stack) -> Iterator[str]:
    """No attribute that goes past every grant."""
    for key, said in _POWERS.items():
        if role.is_on(key):
            yield f"{said} is on"


@rule(
    "role-without-password",
    "No role has a password",
    remedy="Leave it out: people sign in with certificates or IAM tokens, services too",
    on=(ROLE,),
)
def without_password(role: Resource, _: Stack) -> Iterator[str]:
    """Also no secret one: what is in the state can be stolen from it."""
    for key in _PASSWORDS:
        if role.text(key):
            yield f"{key} is set"


@rule(
    "role-below-senior",
    "Only seniors are in tier_full, the gate or app_owner",
    remedy="Change the person's tier in the roster, or lend it for a time (elevations)",
    on=(ROLE, GRANT_ROLE, MEMBERSHIPS),
)
def below_senior(resource: Resource, stack: Stack) -> Iterator[str]:
    """Membership as the roster has it, however it is declared."""
    for group, member in _members(resource):
        if group in _HOLDERS and not _may_hold(member, group, stack):
            yield f"{member} is in {group}, and {_who(member, stack)}"


@rule(
    "role-not-lent",
    "Nobody is in a role that goes around rights",
    remedy="Leave it out; what it was wanted for is a right in the roster or an elevation",
    on=(ROLE, GRANT_ROLE, MEMBERSHIPS),
)
def not_lent(resource: Resource, stack: Stack) -> Iterator[str]:
    """Not root, not the provisioner, none of PostgreSQL's or RDS's own, and nobody else's."""
    for group, member in _members(resource):
        if group in _NEVER_LENT or group == stack.root:
            yield f"{member} is in {group}"
        elif group in stack.tiers or group in stack.services:
            yield f"{member} is in {group}, and could act as {group}"


@rule(
    "grant-below-senior",
    "Only seniors, and services the roster names, delete or truncate",
    remedy="Take DELETE and TRUNCATE out; who has to delete is a senior, or is lent that tier",
    on=(GRANT, *_FUTURE),
)
def grant_below_senior(grant: Resource, stack: Stack) -> Iterator[str]:
    """No DELETE, TRUNCATE or ALL for a role below senior, now or on objects made later."""
    role = grant.text("role")
    lost = sorted(_LOSES_ROWS.intersection(map(str.upper, grant.texts("privileges"))))
    on_rows = grant.get("objectType", "table") in ("table", "column")
    if lost and on_rows and role and not _may_lose_rows(role, stack):
        yield f"{role} gets {', '.join(lost)}, and {_who(role, stack)}"


@rule(
    "grant-juniors-read",
    "Juniors read and write nothing",
    remedy="Take it out; who has to write is at least mid, or is lent that tier",
    on=(GRANT, *_FUTURE),
)
def grant_juniors_read(grant: Resource, stack: Stack) -> Iterator[str]:
    """No INSERT, UPDATE or MAINTAIN for their tier or for one of them, on whatever object."""
    role = grant.text("role")
    written = sorted(_WRITES.intersection(map(str.upper, grant.texts("privileges"))))
    if written and (role == _READER or stack.tiers.get(role) is Tier.JUNIOR):
        yield f"{role} gets {', '.join(written)}"


@rule(
    "grant-never-given",
    "No right is granted that makes owners or borrows others' rights",
    remedy="Take it out: nothing an application or a person does needs it",
    on=(GRANT, *_FUTURE),
)
def grant_never_given(grant: Resource, stack: Stack) -> Iterator[str]:
    """Neither CREATE, TRIGGER and REFERENCES nor ALL, save for who owns things for others."""
    role = grant.text("role")
    if role and role not in (APP_OWNER, PROVISIONER, stack.root):
        for privilege in sorted(map(str.upper, grant.texts("privileges"))):
            if privilege in NEVER_GIVEN:
                yield f"{role} gets {privilege}: {NEVER_GIVEN[privilege]}"


@rule(
    "nobody-owns",
    "No person owns anything, and no tier",
    remedy=f"Let {APP_OWNER} or {PROVISIONER} own it: an owner can drop it, whatever is granted",
    on=(SCHEMA, DATABASE, *_FUTURE),
)
def nobody_owns(resource: Resource, stack: Stack) -> Iterator[str]:
    """No engineer, tier or service as an owner, or as who may make what they then own."""
    nobody = {*stack.tiers, *stack.services, *_TIER_ROLES, GATE}
    owner = resource.text("owner")
    if owner in nobody:
        yield f"{owner} owns it"
    for each in resource.listed("policies"):
        if isinstance(each, dict) and True in (each.get("create"), each.get("createWithGrant")):
            role = each.get("role")
            if isinstance(role, str) and role in nobody:
                yield f"{role} may create in it, and owns what it creates"


@rule(
    "grant-ends-here",
    "Nobody can hand a right on",
    remedy="Leave with_grant_option and with_admin_option out; rights come from the roster",
    on=(GRANT, GRANT_ROLE, *_FUTURE),
)
def grant_ends_here(resource: Resource, _: Stack) -> Iterator[str]:
    """No grant option, no admin option."""
    for key in ("withGrantOption", "withAdminOption"):
        if resource.is_on(key):
            yield f"{resource.text('role') or 'who gets it'} could hand it on"


@rule(
    "grant-not-to-all",
    "Nothing is granted to everybody",
    remedy="Name the tier or the service",
    on=(GRANT, *_FUTURE),
)
def grant_not_to_all(grant: Resource, _: Stack) -> Iterator[str]:
    """Nothing to PUBLIC: that is also who is hired tomorrow and whoever gets in."""
    privileges = grant.texts("privileges")
    if grant.text("role").lower() == "public" and privileges:
        yield f"PUBLIC gets {', '.join(sorted(privileges))}"


@rule(
    "database-not-declared",
    "The guarded database is no resource",
    remedy="Remove it, and keep the database with `pulumi state delete`: root made it and owns it",
    on=(DATABASE,),
)
def database_not_declared(database: Resource, stack: Stack) -> Iterator[str]:
    """A resource can be deleted or replaced by a slip; this one would take the data along."""
    if stack.guarded and database.get("name") == stack.database:
        yield f"{stack.database} is guarded, and as a resource one changed line drops it"


def _members(resource: Resource) -> Iterator[tuple[str, str]]:
    """Pairs of a group and its member, whichever kind of resource says so."""
    if resource.type == ROLE:
        role = resource.get("name", resource.name)
        pairs: list[tuple[Any, Any]] = [(group, role) for group in resource.listed("roles")]
    elif resource.type == GRANT_ROLE:
        pairs = [(resource.get("grantRole"), resource.get("role"))]
    else:
        groups = resource.get("members", {})
        pairs = [
            (group, member)
            for group, members in (groups.items() if isinstance(groups, dict) else ())
            for member in (members if isinstance(members, dict) else ())
        ]
    for group, member in pairs:
        if isinstance(group, str) and isinstance(member, str):
            yield group, member


def _may_hold(member: str, group: str, stack: Stack) -> bool:
    if member in stack.seniors:
        return True
    # A migration reaches app_owner by the gate, and the gate is all that reaches it.
    return (group, member) == (APP_OWNER, GATE) or (group == GATE and member in stack.migrations)


def _may_lose_rows(role: str, stack: Stack) -> bool:
    return role in _HOLDERS or role in stack.seniors or role in stack.services


def _who(role: str, stack: Stack) -> str:
    if tier := stack.tiers.get(role):
        return f"{role} is {tier} in {stack.environment}"
    if role in stack.services:
        return f"{role} is a service"
    return f"{role} is no senior in {stack.environment}"
