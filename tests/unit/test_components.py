"""What a stack declares: parents, protection, order, names, and no secret anywhere."""

import runpy
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pulumi
import pytest

from strongroom.people import Member, Service
from strongroom.rights.rules import memberships, rules
from strongroom.tiers import Privilege, Tier
from tests.unit.recording_engine import Recording, Registered, run

with warnings.catch_warnings():
    # pulumi_postgresql warns of a module of its own when it is first imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_postgresql as postgresql

    from components import local
    from components.access import Access, AccessArgs

CHECKOUT = Path(__file__).parents[2]

GRANT = "postgresql:index/grant:Grant"
FUTURE = "postgresql:index/defaultPrivileges:DefaultPrivileges"
ROLE = "postgresql:index/role:Role"
SCHEMA = "postgresql:index/schema:Schema"
MEMBERSHIPS = "strongroom:access:Memberships"

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


def _stack(
    members: tuple[Member, ...] = MEMBERS,
    services: tuple[Service, ...] = SERVICES,
    schemas: tuple[str, ...] = ("app", "billing"),
    primary: local.PrimaryArgs = PRIMARY,
) -> Recording:
    def program() -> None:
        server = local.Primary("primary", primary)
        local.Replica("replica", local.ReplicaArgs(Path("/s"), server, delay_seconds=60))
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
        Access("access", args, pulumi.ResourceOptions(providers=[provider]))

    return run(program)


@pytest.fixture(scope="module")
def stack() -> Recording:
    return _stack()


def test_the_primary_is_one_server_under_its_component(stack: Recording) -> None:
    server = stack.named("primary-server")
    assert server.request.parent == stack.named("primary").urn
    assert server.inputs == {
        "directory": "/s/primary",
        "database": "app",
        "guardedSchemas": ["app"],
        "port": 0,
        "settings": {"work_mem": "8MB"},
        "serverBinaries": "",
        "deletionProtection": True,
    }


def test_the_keys_of_a_map_reach_the_plugin_as_they_are() -> None:
    settings = {"work_mem": "8MB", "auto_explain.log_min_duration": "1s"}
    found = _stack(primary=replace(PRIMARY, settings=settings))
    assert found.named("primary-server").inputs["settings"] == settings


@pytest.mark.parametrize("name", ["primary-server", "replica-server"])
def test_a_server_is_deleted_before_it_is_replaced_since_its_folder_has_a_fixed_name(
    stack: Recording, name: str
) -> None:
    request = stack.named(name).request
    assert request.deleteBeforeReplace
    assert request.deleteBeforeReplaceDefined


def test_deletion_protection_protects_in_the_engine_and_in_the_plugin() -> None:
    for protection in (True, False):
        found = _stack(primary=replace(PRIMARY, deletion_protection=protection))
        server = found.named("primary-server")
        assert server.request.protect == protection
        assert server.inputs["deletionProtection"] == protection


def test_guarded_schemas_are_declared_in_one_order_whatever_order_they_came_in() -> None:
    one, two = (
        _stack(primary=replace(PRIMARY, schemas=schemas)).named("primary-server").inputs
        for schemas in (("b", "a"), ("a", "b"))
    )
    assert one == two


def test_the_replica_follows_the_primary_it_was_given(stack: Recording) -> None:
    server = stack.named("replica-server")
    assert server.request.parent == stack.named("replica").urn
    assert server.inputs["primary"] == "/s/primary"
    assert server.inputs["directory"] == "/s/replica"
    assert server.inputs["delaySeconds"] == 60
    assert stack.named("primary-server").urn in server.request.dependencies


def test_roots_secret_ends_with_its_server_and_is_not_protected_itself(stack: Recording) -> None:
    secret = stack.named("root-password")
    assert secret.request.deletedWith == stack.named("primary-server").urn
    assert not secret.request.protect
    assert secret.inputs == {"directory": "/s/primary", "maxAgeDays": 7, "rotation": ""}


def test_components_tell_where_servers_are_and_nothing_else(stack: Recording) -> None:
    told = {name: stack.outputs[stack.named(name).urn] for name in ("primary", "replica", "root")}
    assert told == {
        "primary": {"host": "127.0.0.1", "port": 15432, "database": "app"},
        "replica": {"host": "127.0.0.1", "port": 15433},
        "root": {"rotated_at": "2026-01-01T00:00:00+00:00"},
    }


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | set().union(*map(_keys, value.values()))
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    return set()


def test_nothing_a_program_declares_is_a_secret_or_a_password(stack: Recording) -> None:
    for one in stack.registered:
        # The SDK of pulumi_postgresql marks two properties of a role secret, which are not set.
        given = {key for key in _keys(one.inputs) if one.inputs.get(key, "") is not None}
        assert not {key for key in given if "password" in key.lower()}, one.urn
        assert "1b47061264138c4ac30d75fd1eb44270" not in str(one.request.object), one.urn


def test_the_provisioner_signs_in_with_a_certificate_and_is_no_superuser(
    stack: Recording,
) -> None:
    (provider,) = stack.of_type("pulumi:providers:postgresql")
    settings = provider.inputs
    assert settings["username"] == "provisioner"
    assert settings["sslmode"] == "verify-full"
    assert str(settings["superuser"]).lower() == "false"
    assert "/s/provisioner/provisioner.key" in str(settings["clientcert"])
    assert 2 <= int(settings["maxConnections"]) <= 5


def test_everything_of_access_is_its_child_and_ends_with_the_server(stack: Recording) -> None:
    access = stack.named("access")
    server = stack.named("primary-server").urn
    (provider,) = stack.of_type("pulumi:providers:postgresql")
    children = list(stack.children(access.urn))
    kinds = {ROLE, GRANT, FUTURE, SCHEMA, MEMBERSHIPS}
    assert {child.type for child in children} == kinds
    assert len(children) == sum(len(stack.of_type(kind)) for kind in kinds)
    for child in children:
        assert child.request.deletedWith == server
        assert child.name.startswith("access-")
        if child.type.startswith("postgresql:"):
            assert child.request.provider.startswith(provider.urn)


def test_every_role_of_the_model_is_declared_once(stack: Recording) -> None:
    roles = {one.inputs["name"]: one.inputs for one in stack.of_type(ROLE)}
    assert set(roles) == {
        "tier_reader", "tier_writer", "tier_full", "ddl_gate",
        "ada", "chiara", "dmitri", "migrator", "web",
    }  # fmt: skip
    assert {name for name, role in roles.items() if role.get("login")} == {
        "ada", "chiara", "dmitri", "migrator", "web",
    }  # fmt: skip
    assert roles["ddl_gate"]["inherit"] is False
    assert roles["tier_full"]["roles"] == ["tier_writer"]
    assert roles["ada"]["roles"] == ["ddl_gate", "tier_full"]
    assert roles["web"]["roles"] == []
    assert not any(role.get(right) for role in roles.values()
                   for right in ("superuser", "createRole", "createDatabase", "replication",
                                 "bypassRowLevelSecurity"))  # fmt: skip


def test_people_have_the_timeouts_of_their_tier_in_milliseconds(stack: Recording) -> None:
    roles = {one.inputs["name"]: one.inputs for one in stack.of_type(ROLE)}
    limits = {name: roles[name]["statementTimeout"] for name in ("ada", "chiara", "dmitri")}
    assert limits == {"ada": 900_000, "chiara": 300_000, "dmitri": 60_000}
    assert roles["ada"]["idleInTransactionSessionTimeout"] == 120_000
    assert roles["ada"]["searchPaths"] == ["app", "billing"]
    assert "statementTimeout" not in roles["web"]


def test_only_a_service_for_migrations_switches_to_app_owner_by_itself(stack: Recording) -> None:
    assumed = {
        one.inputs["name"]: one.inputs["assumeRole"]
        for one in stack.of_type(ROLE)
        if one.inputs.get("assumeRole")
    }
    assert assumed == {"migrator": "app_owner"}


def test_schemas_belong_to_the_provisioner_and_are_never_dropped(stack: Recording) -> None:
    schemas = stack.of_type(SCHEMA)
    assert {one.inputs["name"] for one in schemas} == {"app", "billing"}
    for one in schemas:
        assert one.inputs["owner"] == "provisioner"
        assert one.inputs["database"] == "app"
        assert one.request.retainOnDelete
        assert not one.inputs.get("dropCascade")
    others = [one for one in stack.registered if one.type != SCHEMA]
    assert not any(one.request.retainOnDelete for one in others)


def test_every_rule_is_a_grant_and_one_for_the_future_follows_where_there_is_one(
    stack: Recording,
) -> None:
    expected = rules(("app", "billing"), MEMBERS, SERVICES)
    fields = ("role", "schema", "objectType", "privileges")
    granted = [tuple(one.inputs.get(name) for name in fields) for one in stack.of_type(GRANT)]
    assert granted == [
        (rule.role, rule.schema, rule.object_type, list(rule.privileges)) for rule in expected
    ]
    future = [tuple(one.inputs.get(name) for name in fields) for one in stack.of_type(FUTURE)]
    assert future == [
        (rule.role, rule.schema, rule.object_type, list(rule.privileges))
        for rule in expected
        if rule.has_future
    ]
    assert {one.inputs["owner"] for one in stack.of_type(FUTURE)} == {"app_owner"}


def test_grants_follow_one_another_so_that_no_two_meet(stack: Recording) -> None:
    chain = [one for one in stack.registered if one.type in (GRANT, FUTURE)]
    for before, after in pairwise(chain):
        assert before.urn in after.request.dependencies, after.name


def test_a_grant_waits_for_its_schema_and_for_whom_it_names(stack: Recording) -> None:
    first = next(one for one in stack.registered if one.type == GRANT)
    named = {one.inputs["role"] for one in stack.of_type(GRANT)} - {"app_owner"}
    needed = [one for one in stack.of_type(ROLE) if one.inputs["name"] in named]
    for one in (*needed, *stack.of_type(SCHEMA)):
        assert one.urn in _before(stack, first), one.name


def _before(stack: Recording, one: Registered) -> set[str]:
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


def test_memberships_are_sealed_after_every_role_and_every_grant(stack: Recording) -> None:
    (sealed,) = stack.of_type(MEMBERSHIPS)
    earlier = _before(stack, sealed)
    for one in stack.registered:
        if one.type in (ROLE, GRANT, FUTURE, SCHEMA):
            assert one.urn in earlier, one.name
    assert sealed.inputs["members"] == memberships(MEMBERS, SERVICES)
    assert sealed.inputs["signIn"] == {
        "host": "127.0.0.1",
        "port": "15432",
        "dbname": "app",
        "user": "provisioner",
        "sslmode": "verify-full",
        "sslrootcert": "/s/ca/ca.crt",
        "sslcert": "/s/provisioner/provisioner.crt",
        "sslkey": "/s/provisioner/provisioner.key",
    }


def test_memberships_are_set_again_when_a_role_is_declared_otherwise_and_only_then() -> None:
    def digest(**changes: Any) -> str:
        (sealed,) = _stack(**changes).of_type(MEMBERSHIPS)
        return str(sealed.inputs["roles"])

    unchanged = digest()
    assert digest() == unchanged
    promoted = (replace(MEMBERS[0], tier=Tier.MID), *MEMBERS[1:])
    renamed = (replace(MEMBERS[0], name="Ada O."), *MEMBERS[1:])
    assert digest(members=promoted) != unchanged
    assert digest(members=MEMBERS[1:]) != unchanged
    assert digest(services=SERVICES[1:]) != unchanged
    assert digest(members=renamed) == unchanged


def test_a_person_more_is_one_resource_more() -> None:
    one = _stack(members=MEMBERS)
    more = _stack(members=(*MEMBERS, Member("esra", "Esra", Tier.JUNIOR)))
    assert len(more.registered) == len(one.registered) + 1
    assert {each.urn for each in more.registered} >= {each.urn for each in one.registered}


def test_a_roster_of_nobody_still_declares_the_model() -> None:
    found = _stack(members=(), services=(), schemas=())
    assert len(found.of_type(ROLE)) == 4
    assert len(found.of_type(MEMBERSHIPS)) == 1


def test_every_resource_of_a_stack_has_a_name_of_its_own(stack: Recording) -> None:
    urns = [one.urn for one in stack.registered]
    assert len(set(urns)) == len(urns)


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    monkeypatch.setenv("PULUMI_CONFIG", "{}")
    return tmp_path


def _program() -> Callable[[], None]:
    return lambda: runpy.run_path(str(CHECKOUT / "__main__.py")) and None


def test_the_program_declares_the_roster_of_the_checkout_on_the_local_platform(
    checkout: Path,
) -> None:
    found = run(_program())
    server = found.named("primary-server")
    assert server.inputs["directory"].startswith(str(checkout))
    assert server.inputs["database"] == "app"
    people = {one.inputs["name"] for one in found.of_type(ROLE) if one.inputs.get("login")}
    assert {"ada", "web", "migrator"} <= people
    # Root's password changes once, before anything builds on the server: a component, and so
    # what is in it, is registered when what it depends on is there.
    kinds = [one.type for one in found.registered]
    assert kinds.index("strongroom:local:RootSecret") < kinds.index(ROLE)
    assert set(found.exports) == {"primary", "replica", "database", "rootPasswordRotatedAt"}


def test_the_program_stays_short() -> None:
    assert len((CHECKOUT / "__main__.py").read_text().splitlines()) <= 40


def test_a_mistake_in_the_settings_stops_the_program_with_its_reason(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", '{"strongroom:port": "80", "strongroom:datbase": "x"}')
    with pytest.raises(pulumi.RunError) as refused:
        run(_program())
    assert "2 mistakes" in str(refused.value)


def test_a_stack_the_roster_does_not_know_stops_the_program(checkout: Path) -> None:
    with pytest.raises(pulumi.RunError, match="not 'nowhere'"):
        run(_program(), stack="nowhere")


def test_no_component_reads_the_environment_or_connects_to_anything() -> None:
    for path in (CHECKOUT / "components").rglob("*.py"):
        text = path.read_text()
        assert "psycopg" not in text, path
        assert "subprocess" not in text, path
        assert "from __future__" not in text, path
        assert "os.environ" not in text or path.name == "program.py", path
