"""Who plays in a drill, and the files of the stack it is played on: those of a real one, copied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.declaration import Declaration
from strongroom.engine import STACK
from strongroom.people import Member, RightsBySchema, Service
from strongroom.reading.names import camel
from strongroom.tiers import Privilege, Tier

# What saves a form: it reads, adds and changes.
_SAVES = frozenset({Privilege.SELECT, Privilege.INSERT, Privilege.UPDATE})

# Settings that are the same on the scratch stack; the others would lead it to what is real, such
# as the port and the vault, or let it wait.
_KEPT = (
    "database",
    "mass_change_rows",
    "idle_in_transaction_timeout_seconds",
    "archive_timeout_seconds",
    "server_binaries",
)


@dataclass(frozen=True)
class Cast:
    """The roles that play, all of them in the roster of the scratch stack.

    Attributes:
        schema: where the application's tables lie.
        application: the service that saves forms.
        migrator: the service that makes tables.
        senior: an engineer who tries with the rights of a senior.
        culprit: an engineer who becomes root and drops the database.
        approver: the senior who let them.
    """

    schema: str
    application: str
    migrator: str
    senior: str
    culprit: str
    approver: str


@dataclass(frozen=True)
class Play:
    """A cast and everybody else of the scratch stack's roster."""

    cast: Cast
    members: tuple[Member, ...]
    services: tuple[Service, ...]
    schemas: tuple[str, ...]

    @classmethod
    def of(cls, declared: Declaration) -> "Play":
        """The people and services of a stack; who is missing for the play is added."""
        schema = declared.roster.schemas[0]
        members, services = [*declared.members], [*declared.roster.services]
        application = _first(one for one in services if one.rights.get(schema, set()) >= _SAVES)
        if application is None:
            application = Service("drill-application", {schema: _SAVES})
            services.append(application)
        migrator = _first(one for one in services if one.ddl)
        if migrator is None:
            migrator = Service("drill-migrator", ddl=True)
            services.append(migrator)
        senior = _first(one for one in members if one.tier is Tier.SENIOR)
        if senior is None:
            senior = Member("drill-senior", "A senior of the drill", Tier.SENIOR)
            members.append(senior)
        others = sorted((one for one in members if one != senior), key=lambda one: -_rank(one.tier))
        culprit = _first(others)
        if culprit is None:
            culprit = Member("drill-culprit", "A culprit of the drill", Tier.SENIOR)
            members.append(culprit)
        cast = Cast(schema, application.role, migrator.role, senior.role, culprit.role, senior.role)
        return cls(cast, tuple(members), tuple(services), declared.roster.schemas)

    def roster(self) -> dict[str, Any]:
        """What stands in the roster's file of the scratch stack."""
        engineers = {
            one.role: {"name": one.name, "tier": one.tier.value, **_rights(one.rights)}
            for one in self.members
        }
        services = {
            one.role: {**_rights(one.rights), **({"ddl": True} if one.ddl else {})}
            for one in self.services
        }
        return {
            "environments": [STACK],
            "schemas": list(self.schemas),
            "engineers": engineers,
            "services": services,
        }


def settings(declared: Declaration, delay: int) -> dict[str, Any]:
    """What stands in the settings' file of the scratch stack.

    Args:
        declared: the stack it is a copy of.
        delay: how far its replica stays behind, 0 to 86,400 s.
    """
    own = declared.settings
    timeouts = {tier.value: seconds for tier, seconds in own.statement_timeout_seconds.items()}
    values = {
        **{camel(name): getattr(own, name) for name in _KEPT},
        "statementTimeoutSeconds": timeouts,
        "server": dict(own.server),
        "platform": "local",
        "replicaDelaySeconds": delay,
        "deletionProtection": False,
        "drillEveryDays": 0,
    }
    return {"config": {f"strongroom:{key}": value for key, value in values.items() if value != ""}}


def _first(found: Iterable[Any]) -> Any:
    return next(iter(found), None)


def _rank(tier: Tier) -> int:
    return list(Tier).index(tier)


def _rights(rights: RightsBySchema) -> Mapping[str, Any]:
    if not rights:
        return {}
    plain = {schema: sorted(one.value for one in rights[schema]) for schema in rights}
    return {"rights": plain}
