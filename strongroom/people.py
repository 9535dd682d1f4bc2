"""Those who have a role: engineers and services, and what is lent to them, as the roster says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from strongroom.tiers import Privilege, Tier

#: Rights by schema, as a roster writes them.
RightsBySchema = Mapping[str, frozenset[Privilege]]

#: Characters; whoever reads a record later needs that much.
SHORTEST_REASON = 10

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
        github: the login on GitHub, in lower case; empty when it is not known, and then nothing
            done there is taken for this person's.
    """

    role: str
    name: str
    tier: Tier
    environments: Mapping[str, Tier | None] = field(default_factory=lambda: _NO_TIERS, hash=False)
    rights: RightsBySchema = field(default_factory=lambda: _NO_RIGHTS, hash=False)
    github: str = ""

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
class Elevation:
    """A tier lent to a person until a time.

    Attributes:
        who: the person's role.
        tier: the tier that is lent, above the person's own.
        environments: where, in the roster's order.
        begins: when it begins (UTC); None for at once.
        until: when it ends (UTC).
        reason: what for.
        ticket: where the work is described.
        approver: the role of who approved.
        place: the file and line it stands on, for warnings.
    """

    who: str
    tier: Tier
    environments: tuple[str, ...]
    begins: datetime | None
    until: datetime
    reason: str
    ticket: str
    approver: str
    place: str = field(default="", compare=False)

    def over(self, now: datetime) -> bool:
        """Whether it has ended at `now`."""
        return self.until <= now

    def live(self, now: datetime) -> bool:
        """Whether it holds at `now`."""
        return not self.over(now) and (self.begins is None or self.begins <= now)

    @property
    def ends(self) -> str:
        """The end as people read it."""
        return f"{self.until:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Member:
    """An engineer as one environment sees them.

    Attributes:
        role: the role's name.
        name: the person's own name.
        tier: the tier that holds there now, a lent one included.
        rights: rights beyond the tier.
        elevation: what lends the tier; None when it is the person's own.
        base: the person's own tier while another is lent; None otherwise.
    """

    role: str
    name: str
    tier: Tier
    rights: RightsBySchema = field(default_factory=lambda: _NO_RIGHTS, hash=False)
    elevation: Elevation | None = None
    base: Tier | None = None


def names_by_role(members: Iterable[Member], services: Iterable[Service]) -> dict[str, str]:
    """Who signs in: for each role a person's own name, which a service has none of."""
    people = {member.role: member.name for member in members}
    return people | {service.role: "" for service in services}
