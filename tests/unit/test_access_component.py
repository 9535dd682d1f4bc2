"""What Access declares: roles, rights and their order, and that everything is a child of it."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from strongroom.people import Member
from strongroom.rights.rules import memberships, rules
from strongroom.tiers import Tier
from tests.unit.declared_stack import (
    FUTURE,
    GRANT,
    LOGGING,
    MEMBERS,
    MEMBERSHIPS,
    ROLE,
    SCHEMA,
    SERVICES,
    before,
    declare,
)
from tests.unit.recording_engine import Recording


@pytest.fixture(scope="module")
def stack() -> Recording:
    return declare()


def test_everything_of_access_is_its_child_and_ends_with_the_server(stack: Recording) -> None:
    access = stack.named("access")
    server = stack.named("primary-server").urn
    (provider,) = stack.of_type("pulumi:providers:postgresql")
    children = list(stack.children(access.urn))
    kinds = {ROLE, GRANT, FUTURE, SCHEMA, LOGGING, MEMBERSHIPS}
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
    for earlier, later in pairwise(chain):
        assert earlier.urn in later.request.dependencies, later.name


def test_a_grant_waits_for_its_schema_and_for_whom_it_names(stack: Recording) -> None:
    first = next(one for one in stack.registered if one.type == GRANT)
    named = {one.inputs["role"] for one in stack.of_type(GRANT)} - {"app_owner"}
    needed = [one for one in stack.of_type(ROLE) if one.inputs["name"] in named]
    for one in (*needed, *stack.of_type(SCHEMA)):
        assert one.urn in before(stack, first), one.name


def test_memberships_are_sealed_after_every_role_and_every_grant(stack: Recording) -> None:
    (sealed,) = stack.of_type(MEMBERSHIPS)
    earlier = before(stack, sealed)
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
        (sealed,) = declare(**changes).of_type(MEMBERSHIPS)
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
    one = declare(members=MEMBERS)
    more = declare(members=(*MEMBERS, Member("esra", "Esra", Tier.JUNIOR)))
    assert len(more.registered) == len(one.registered) + 1
    assert {each.urn for each in more.registered} >= {each.urn for each in one.registered}


def test_a_roster_of_nobody_still_declares_the_model() -> None:
    found = declare(members=(), services=(), schemas=())
    assert len(found.of_type(ROLE)) == 4
    assert len(found.of_type(MEMBERSHIPS)) == 1


def test_every_resource_of_a_stack_has_a_name_of_its_own(stack: Recording) -> None:
    urns = [one.urn for one in stack.registered]
    assert len(set(urns)) == len(urns)
