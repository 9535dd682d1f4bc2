"""A stack of all components on the local platform, as a program would declare it."""

import warnings
from pathlib import Path

import pulumi

from strongroom.people import Member, Service
from strongroom.settings import Settings
from strongroom.tiers import Privilege, Tier
from tests.unit.recording_engine import Recording, Registered, run

with warnings.catch_warnings():
    # pulumi_postgresql warns of a module of its own when it is first imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_postgresql as postgresql

    from components import local
    from components.access import Access, AccessArgs
    from components.review import Review, ReviewArgs

GRANT = "postgresql:index/grant:Grant"
FUTURE = "postgresql:index/defaultPrivileges:DefaultPrivileges"
ROLE = "postgresql:index/role:Role"
SCHEMA = "postgresql:index/schema:Schema"
MEMBERSHIPS = "strongroom:access:Memberships"
LOGGING = "strongroom:access:Logging"
MATRIX = "strongroom:access:Matrix"

MEMBERS = (
    Member("ada", "Ada", Tier.SENIOR),
    Member("chiara", "Chiara", Tier.MID),
    Member("dmitri", "Dmitri", Tier.JUNIOR, {"app": frozenset({Privilege.EXECUTE})}),
)
SERVICES = (
    Service("migrator", ddl=True),
    Service("web", {"app": frozenset({Privilege.SELECT, Privilege.INSERT})}),
)
PRIMARY = local.PrimaryArgs(Path("/s"), "app", ("app",), settings={"work_mem": "8MB"})


def declare(
    members: tuple[Member, ...] = MEMBERS,
    services: tuple[Service, ...] = SERVICES,
    schemas: tuple[str, ...] = ("app", "billing"),
    primary: local.PrimaryArgs = PRIMARY,
) -> Recording:
    def program() -> None:
        server = local.Primary("primary", primary)
        local.Replica("replica", local.ReplicaArgs(Path("/s"), server, delay_seconds=60))
        local.SnapshotPolicy("snapshots", local.SnapshotPolicyArgs(server, keep_days=14))
        local.Agent("agent", local.AgentArgs(server, Settings("local")))
        local.People("people", local.PeopleArgs(server, members, services))
        local.RootSecret("root", local.RootSecretArgs(server, max_age_days=7))
        provider = postgresql.Provider("provisioner", **server.provisioner_settings())
        args = AccessArgs(
            database="app",
            schemas=schemas,
            members=members,
            services=services,
            statement_timeouts={Tier.JUNIOR: 60, Tier.MID: 300, Tier.SENIOR: 900},
            idle_timeout=120,
            sign_in=server.sign_in(),
            container=server.resource,
        )
        access = Access("access", args, pulumi.ResourceOptions(providers=[provider]))
        held_to = ReviewArgs(schemas, members, services, server.sign_in(), server.resource, access)
        Review("review", held_to)

    return run(program)


def before(stack: Recording, one: Registered) -> set[str]:
    """Everything `one` waits for, near or far."""
    by_urn = {each.urn: each for each in stack.registered}
    found: set[str] = set()
    waiting = list(one.request.dependencies)
    while waiting:
        urn = waiting.pop()
        if urn not in found:
            found.add(urn)
            waiting += by_urn[urn].request.dependencies
    return found
