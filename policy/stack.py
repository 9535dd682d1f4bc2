"""The stack a rule judges in: which environment, how strict, and who is who there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from policy.levels import Level, level_of
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.tiers import ROOT, Tier


@dataclass(frozen=True)
class Stack:
    """An environment.

    Attributes:
        environment: its name.
        level: what becomes of an objection.
        region: where its AWS resources are; empty when the configuration does not say.
        database: the application's database.
        guarded: whether laptops are kept away from it, which also says that it matters.
        deletion_protection: whether its servers are not to be destroyed.
        root: what root is called in the database.
        taken_over: whether its primary was there before the stack.
        tiers: each engineer's tier there, lent ones included.
        services: the applications' roles.
        migrations: those of them that may change tables.
    """

    environment: str = "production"
    level: Level = Level.MANDATORY
    region: str = ""
    database: str = "app"
    guarded: bool = True
    deletion_protection: bool = True
    root: str = ROOT
    taken_over: bool = False
    tiers: Mapping[str, Tier] = field(default_factory=dict, hash=False)
    services: frozenset[str] = frozenset()
    migrations: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environment: str, values: Mapping[str, str]) -> Self:
        """As the files of the project in the working directory declare it.

        Where they hold mistakes nobody is known to be anything, which is the strictest reading;
        the program says what is wrong with them.

        Args:
            environment: the stack's name.
            values: its configuration, by keys with their namespace.

        Raises:
            StrongroomError: it is not known how strict to be.
        """
        level = level_of(environment)
        region = values.get("aws:region", "")
        try:
            declared = Declaration.load(environment, values)
        except StrongroomError:
            return cls(environment, level, region)
        services = declared.roster.services
        return cls(
            environment,
            level,
            region,
            database=declared.settings.database,
            guarded=declared.settings.guarded,
            deletion_protection=declared.settings.deletion_protection,
            root=declared.settings.root,
            taken_over=bool(declared.settings.aws.existing.identifier),
            tiers={member.role: member.tier for member in declared.members},
            services=frozenset(service.role for service in services),
            migrations=frozenset(service.role for service in services if service.ddl),
        )

    @property
    def seniors(self) -> frozenset[str]:
        """Who may delete rows and change tables."""
        return frozenset(role for role, tier in self.tiers.items() if tier is Tier.SENIOR)
