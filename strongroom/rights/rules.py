"""The rights a roster declares, as plain rules: what is granted to whom on what.

One rule becomes one grant, and one default privilege for objects made later. Rights go to tiers
and services; an engineer appears only where the roster gives that person something beyond the
tier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from strongroom.roster import Member, Service
from strongroom.tiers import (
    APP_OWNER,
    GATE,
    GROUPS,
    MAINTAIN_SINCE,
    Privilege,
    Rights,
    Tier,
    added,
)


@dataclass(frozen=True)
class Rule:
    """One grant.

    Attributes:
        role: who gets it.
        object_type: ``database``, ``schema``, ``table``, ``sequence`` or ``routine``.
        privileges: sorted names.
        schema: the schema it holds in; None for the database itself.
    """

    role: str
    object_type: str
    privileges: tuple[str, ...]
    schema: str | None = None

    @property
    def name(self) -> str:
        """Tells the rule from all others of a stack."""
        return "-".join([part for part in (self.role, self.schema, self.object_type) if part])

    @property
    def has_future(self) -> bool:
        """Whether it also holds for objects made later, by a default privilege of app_owner."""
        return self.object_type in ("table", "sequence", "routine")


def rules(
    schemas: Sequence[str], members: Sequence[Member], services: Sequence[Service]
) -> tuple[Rule, ...]:
    """Everything that is granted in a stack, in the order it is granted.

    Args:
        schemas: the guarded schemas.
        members: the engineers of this environment.
        services: the services.
    """
    return tuple(_rules(schemas, members, services))


def memberships(
    members: Sequence[Member], services: Sequence[Service]
) -> dict[str, dict[str, str]]:
    """For each group all its members, and whether they have its rights or may switch to it.

    Tiers lend their rights and are never worn; app_owner is reached through the gate only, and
    only by SET ROLE, so that what is made there belongs to app_owner.
    """
    groups: dict[str, dict[str, str]] = {group.role: {} for group in GROUPS.values()}
    for group in GROUPS.values():
        if group.includes:
            groups[group.includes][group.role] = "INHERIT"
    groups[GATE] = {}
    for member in members:
        groups[GROUPS[member.tier].role][member.role] = "INHERIT"
        if GROUPS[member.tier].reaches_gate:
            groups[GATE][member.role] = "SET"
    groups[GATE] |= {service.role: "SET" for service in services if service.ddl}
    return {**groups, APP_OWNER: {GATE: "SET"}}


def groups_of(role: str, membership: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The groups `role` is a direct member of, sorted."""
    return sorted(group for group, members in membership.items() if role in members)


def _rules(
    schemas: Sequence[str], members: Sequence[Member], services: Sequence[Service]
) -> Iterator[Rule]:
    everyone = GROUPS[Tier.JUNIOR].role
    yield Rule(everyone, "database", ("CONNECT",))
    for schema in schemas:
        yield Rule(APP_OWNER, "schema", ("CREATE", "USAGE"), schema)
        yield Rule(everyone, "schema", ("USAGE",), schema)
        for tier, group in GROUPS.items():
            yield from _on_objects(group.role, schema, added(tier, MAINTAIN_SINCE))
    for member in members:
        for schema, privileges in sorted(member.rights.items()):
            yield from _on_objects(member.role, schema, Rights.of(privileges, MAINTAIN_SINCE))
    for service in services:
        yield Rule(service.role, "database", ("CONNECT",))
        for schema, privileges in sorted(service.rights.items()):
            yield Rule(service.role, "schema", ("USAGE",), schema)
            yield from _on_objects(service.role, schema, Rights.of(privileges, MAINTAIN_SINCE))


def _on_objects(role: str, schema: str, rights: Rights) -> Iterator[Rule]:
    kinds = {"table": rights.tables, "sequence": rights.sequences, "routine": rights.routines}
    for kind, privileges in kinds.items():
        if privileges:
            yield Rule(role, kind, _sorted(privileges), schema)


def _sorted(privileges: frozenset[Privilege]) -> tuple[str, ...]:
    return tuple(sorted(privilege.value for privilege in privileges))
