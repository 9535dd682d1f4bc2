"""The access model as data: tiers, the roles they are made of, and what nobody may have.

Everything that grants, reviews or explains rights reads this module, so that the model is stated
once. Each line was tried on PostgreSQL 17.10; MAINTAIN exists since 17.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Self


class Tier(StrEnum):
    """What an engineer may do, least first."""

    JUNIOR = "junior"
    MID = "mid"
    SENIOR = "senior"


class Privilege(StrEnum):
    """A privilege Strongroom gives to people or services, by PostgreSQL's own name."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    TRUNCATE = "TRUNCATE"
    MAINTAIN = "MAINTAIN"
    EXECUTE = "EXECUTE"
    USAGE = "USAGE"


#: Owns the application database; a superuser, or on RDS the master. Never signs in over TCP.
ROOT = "root"
#: The role Pulumi signs in as: makes roles and schemas, owns the schemas, not the database.
PROVISIONER = "provisioner"
#: Owns every table, so that no person and no service does.
APP_OWNER = "app_owner"
#: NOINHERIT member of app_owner: who is in it does DDL only after SET ROLE app_owner.
GATE = "ddl_gate"
#: The standby's role.
REPLICATOR = "replicator"

#: RDS's role for whoever signs in by a token of IAM, and then by no password.
IAM = "rds_iam"

#: The first major version of PostgreSQL with the MAINTAIN privilege.
MAINTAIN_SINCE = 17

TABLE_PRIVILEGES = frozenset(
    {
        Privilege.SELECT,
        Privilege.INSERT,
        Privilege.UPDATE,
        Privilege.DELETE,
        Privilege.TRUNCATE,
        Privilege.MAINTAIN,
    }
)

#: What is given to no person and no service, with the reason a reviewer is told.
NEVER_GIVEN: Mapping[str, str] = MappingProxyType(
    {
        "TRIGGER": "a trigger runs with the rights of whoever fires it, so its author would "
        "borrow a senior's",
        "REFERENCES": "a foreign key lets its author stop others' deletes and updates",
        "CREATE": "whoever creates an object owns it, and every table belongs to app_owner",
        "OWNER": "an owner can drop, and every table belongs to app_owner",
        "ALL": "it holds TRIGGER and REFERENCES, and grows with PostgreSQL",
        "ALL PRIVILEGES": "it holds TRIGGER and REFERENCES, and grows with PostgreSQL",
    }
)


@dataclass(frozen=True)
class Rights:
    """Privileges by the kind of object they are granted on."""

    tables: frozenset[Privilege] = frozenset()
    sequences: frozenset[Privilege] = frozenset()
    routines: frozenset[Privilege] = frozenset()

    @classmethod
    def of(cls, privileges: frozenset[Privilege], major: int = MAINTAIN_SINCE) -> Self:
        """Sort a roster's privileges on a schema into kinds of object.

        INSERT brings USAGE on the schema's sequences, because an INSERT that fills a serial
        column fails without it. It never brings UPDATE on a sequence: that is setval, which can
        set a counter back so that the application's next inserts collide.

        Args:
            privileges: as a roster names them for one schema.
            major: the server's major version; below 17 MAINTAIN is left out.
        """
        draws = privileges & {Privilege.INSERT, Privilege.USAGE}
        return cls(
            tables=_known_to(major, privileges & TABLE_PRIVILEGES),
            sequences=frozenset({Privilege.USAGE}) if draws else frozenset(),
            routines=privileges & {Privilege.EXECUTE},
        )

    def __or__(self, other: "Rights") -> "Rights":
        return Rights(
            self.tables | other.tables,
            self.sequences | other.sequences,
            self.routines | other.routines,
        )


@dataclass(frozen=True)
class Group:
    """The NOLOGIN role of a tier.

    Attributes:
        role: the role's name.
        includes: the group this one is a member of (INHERIT TRUE, SET FALSE), if any.
        adds: the privileges granted to this group itself; the rest it inherits.
        reaches_gate: whether members get to SET ROLE app_owner.
    """

    role: str
    includes: str | None
    adds: frozenset[Privilege]
    reaches_gate: bool = False


GROUPS: Mapping[Tier, Group] = MappingProxyType(
    {
        Tier.JUNIOR: Group("tier_reader", None, frozenset({Privilege.SELECT})),
        Tier.MID: Group(
            "tier_writer", "tier_reader", frozenset({Privilege.INSERT, Privilege.UPDATE})
        ),
        Tier.SENIOR: Group(
            "tier_full",
            "tier_writer",
            frozenset({Privilege.DELETE, Privilege.TRUNCATE, Privilege.MAINTAIN}),
            reaches_gate=True,
        ),
    }
)


def up_to(tier: Tier) -> tuple[Tier, ...]:
    """`tier` and every lesser one, least first."""
    tiers = tuple(Tier)
    return tiers[: tiers.index(tier) + 1]


def added(tier: Tier, major: int) -> Rights:
    """What the tier's own group is granted, beyond the group it includes.

    Args:
        tier: the tier.
        major: the server's major version; below 17 MAINTAIN is left out.
    """
    return Rights.of(GROUPS[tier].adds, major)


def cumulative(tier: Tier, major: int) -> Rights:
    """Everything a member of the tier can do on guarded tables without SET ROLE.

    Args:
        tier: the tier.
        major: the server's major version; below 17 MAINTAIN is left out.
    """
    rights = Rights()
    for lesser in up_to(tier):
        rights |= added(lesser, major)
    return rights


def ceiling(tier: Tier) -> frozenset[Privilege]:
    """The rights one engineer of this tier may be given individually.

    What the tier itself has, and EXECUTE: routines differ too much for a tier to give them all.
    USAGE is not among them; it comes with INSERT.
    """
    own = frozenset[Privilege]().union(*(GROUPS[lesser].adds for lesser in up_to(tier)))
    return own | {Privilege.EXECUTE}


#: Roles that Strongroom makes itself.
FIXED_ROLES = frozenset(
    {ROOT, PROVISIONER, APP_OWNER, GATE, REPLICATOR, *(group.role for group in GROUPS.values())}
)

#: Names PostgreSQL's GRANT, pg_hba.conf and pg_ident.conf take for something else than a role.
KEYWORDS = frozenset({"all", "current_role", "current_user", "none", "public", "session_user"})

#: Beginnings of names that belong to others: PostgreSQL, RDS, and roles later versions may make.
RESERVED_PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "pg_": "PostgreSQL keeps every name beginning with pg_ for its own roles",
        "rds": "RDS makes roles whose names begin with rds, with rights over the whole server",
        "strongroom": "names beginning with strongroom are kept for Strongroom's own roles",
    }
)


def reserved(name: str) -> str | None:
    """Why no engineer and no service can be called `name`; None when one can."""
    if name in FIXED_ROLES:
        return "it is one of the roles the access model is made of"
    if name in KEYWORDS:
        return "GRANT or pg_hba.conf would read it as a keyword"
    if name == "postgres":
        return "it is the usual superuser, and scripts that find it try to be one"
    found = (why for prefix, why in RESERVED_PREFIXES.items() if name.startswith(prefix))
    return next(found, None)


def _known_to(major: int, privileges: frozenset[Privilege]) -> frozenset[Privilege]:
    return privileges if major >= MAINTAIN_SINCE else privileges - {Privilege.MAINTAIN}
