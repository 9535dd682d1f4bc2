"""Those who have a role: engineers and services, as the roster declares them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from strongroom.tiers import Privilege, Tier

#: Rights by schema, as a roster writes them.
RightsBySchema = Mapping[str, frozenset[Privilege]]

_NO_TIERS: Mapping[str, Tier | None] = MappingProxyType({})
_NO_RIGHTS: RightsBySchema = MappingProxyType({})


@dataclass(frozen=True)
class Engineer:
    """A person with a role.

    Attributes:
        role: the role's name in PostgreSQL, the certificate and IAM.
        name: the person's own name, for reviews.
        tier: the tier wherever `environments` says nothing else.
        environments: other tiers by environment; None is no role there at all.
        rights: rights beyond the tier, within its ceiling.
    """

    role: str
    name: str
    tier: Tier
    environments: Mapping[str, Tier | None] = field(default_factory=lambda: _NO_TIERS, hash=False)
    rights: RightsBySchema = field(default_factory=lambda: _NO_RIGHTS, hash=False)

    def tier_in(self, environment: str) -> Tier | None:
        """The tier in `environment`; None when the person has no role there."""
        return self.environments.get(environment, self.tier)


@dataclass(frozen=True)
class Service:
    """An application's role, the same in every environment.

    Attributes:
        role: the role's name.
        rights: its rights by schema; INSERT brings USAGE on sequences, see `tiers.Rights.of`.
        ddl: whether it reaches app_owner through the gate, for schema migrations.
    """

    role: str
    rights: RightsBySchema = field(default_factory=lambda: _NO_RIGHTS, hash=False)
    ddl: bool = False


@dataclass(frozen=True)
class Member:
    """An engineer as one environment sees them, with the tier that holds there."""

    role: str
    name: str
    tier: Tier
    rights: RightsBySchema = field(default_factory=lambda: _NO_RIGHTS, hash=False)
