"""The rights a roster declares, as rules: for every tier, person and service."""

from itertools import pairwise

import pytest

from strongroom.people import Member, Service
from strongroom.rights.rules import Rule, groups_of, memberships, rules
from strongroom.tiers import APP_OWNER, GATE, GROUPS, NEVER_GIVEN, Privilege, Tier

ADA = Member("ada", "Ada", Tier.SENIOR)
CHIARA = Member("chiara", "Chiara", Tier.MID)
ESRA = Member("esra", "Esra", Tier.JUNIOR)
EVERYONE = (ADA, CHIARA, ESRA)


def _granted(found: tuple[Rule, ...], role: str, kind: str, schema: str | None = None) -> set[str]:
    wanted = (role, kind, schema)
    matching = (rule for rule in found if (rule.role, rule.object_type, rule.schema) == wanted)
    return {privilege for rule in matching for privilege in rule.privileges}


def _effective(tier: Tier, kind: str, schema: str) -> set[str]:
    """What a person of the tier ends up with, through the groups their group is in."""
    found = rules((schema,), EVERYONE, ())
    role: str | None = GROUPS[tier].role
    rights: set[str] = set()
    while role:
        rights |= _granted(found, role, kind, schema)
        role = next((group.includes for group in GROUPS.values() if group.role == role), None)
    return rights


@pytest.mark.parametrize(
    ("tier", "tables", "sequences"),
    [
        (Tier.JUNIOR, {"SELECT"}, set()),
        (Tier.MID, {"SELECT", "INSERT", "UPDATE"}, {"USAGE"}),
        (
            Tier.SENIOR,
            {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "MAINTAIN"},
            {"USAGE"},
        ),
    ],
)
def test_each_tier_ends_up_with_what_the_model_says(
    tier: Tier, tables: set[str], sequences: set[str]
) -> None:
    assert _effective(tier, "table", "app") == tables
    assert _effective(tier, "sequence", "app") == sequences
    assert _effective(tier, "routine", "app") == set()


def test_each_tier_has_more_than_the_one_below() -> None:
    for lesser, greater in pairwise(Tier):
        assert _effective(lesser, "table", "app") < _effective(greater, "table", "app")


def test_connecting_and_looking_into_schemas_is_for_all_and_creating_for_app_owner_only() -> None:
    found = rules(("app", "billing"), EVERYONE, ())
    assert _granted(found, "tier_reader", "database") == {"CONNECT"}
    for schema in ("app", "billing"):
        assert _granted(found, "tier_reader", "schema", schema) == {"USAGE"}
        assert _granted(found, APP_OWNER, "schema", schema) == {"CREATE", "USAGE"}
    creating = {rule.role for rule in found if "CREATE" in rule.privileges}
    assert creating == {APP_OWNER}


def test_nothing_is_granted_that_is_never_given_apart_from_app_owners_schemas() -> None:
    services = (Service("web", {"app": frozenset(Privilege)}), Service("migrator", ddl=True))
    extra = Member("dmitri", "Dmitri", Tier.JUNIOR, {"app": frozenset({Privilege.EXECUTE})})
    for rule in rules(("app",), (*EVERYONE, extra), services):
        if rule.role != APP_OWNER:
            assert not set(rule.privileges) & NEVER_GIVEN.keys(), rule


def test_people_appear_only_with_rights_of_their_own() -> None:
    extra = Member("dmitri", "Dmitri", Tier.JUNIOR, {"app": frozenset({Privilege.EXECUTE})})
    found = rules(("app",), (*EVERYONE, extra), ())
    people = {rule.role for rule in found} & {"ada", "chiara", "esra", "dmitri"}
    assert people == {"dmitri"}
    assert Rule("dmitri", "routine", ("EXECUTE",), "app") in found


def test_a_service_connects_and_has_its_rights_schema_by_schema() -> None:
    web = Service(
        "web",
        {
            "app": frozenset({Privilege.SELECT, Privilege.INSERT}),
            "audit": frozenset({Privilege.SELECT}),
        },
    )
    found = rules(("app", "audit"), (), (web,))
    assert [rule for rule in found if rule.role == "web"] == [
        Rule("web", "database", ("CONNECT",)),
        Rule("web", "schema", ("USAGE",), "app"),
        Rule("web", "table", ("INSERT", "SELECT"), "app"),
        Rule("web", "sequence", ("USAGE",), "app"),
        Rule("web", "schema", ("USAGE",), "audit"),
        Rule("web", "table", ("SELECT",), "audit"),
    ]


def test_a_service_for_migrations_gets_no_rights_but_the_gate() -> None:
    migrator = Service("migrator", ddl=True)
    found = rules(("app",), (), (migrator,))
    assert [rule for rule in found if rule.role == "migrator"] == [
        Rule("migrator", "database", ("CONNECT",))
    ]
    assert memberships((), (migrator,))[GATE] == {"migrator": "SET"}


def test_only_objects_inside_a_schema_have_a_future() -> None:
    future = {rule.object_type: rule.has_future for rule in rules(("app",), EVERYONE, ())}
    assert future == {"database": False, "schema": False, "table": True, "sequence": True}


def test_every_rule_has_a_name_of_its_own() -> None:
    services = (Service("web", {"app": frozenset(Privilege)}), Service("app", ddl=True))
    found = rules(("app", "web", "app_web"), EVERYONE, services)
    assert len({rule.name for rule in found}) == len(found)


def test_the_same_roster_gives_the_same_rules_in_the_same_order() -> None:
    web = Service("web", {"b": frozenset(Privilege), "a": frozenset(Privilege)})
    one, two = (rules(("a", "b"), EVERYONE, (web,)) for _ in range(2))
    assert one == two
    assert [rule.schema for rule in one if rule.role == "web"].index("a") == 1
    assert all(list(rule.privileges) == sorted(rule.privileges) for rule in one)


def test_no_schema_no_person_and_no_service_leaves_the_tiers_themselves() -> None:
    assert rules((), (), ()) == (Rule("tier_reader", "database", ("CONNECT",)),)
    assert memberships((), ()) == {
        "tier_reader": {"tier_writer": "INHERIT"},
        "tier_writer": {"tier_full": "INHERIT"},
        "tier_full": {},
        GATE: {},
        APP_OWNER: {GATE: "SET"},
    }


def test_everyone_is_in_the_group_of_their_tier_and_in_no_other_but_seniors_in_the_gate() -> None:
    found = memberships(EVERYONE, ())
    assert groups_of("ada", found) == [GATE, "tier_full"]
    assert groups_of("chiara", found) == ["tier_writer"]
    assert groups_of("esra", found) == ["tier_reader"]


def test_rights_are_lent_by_tiers_and_worn_only_through_the_gate() -> None:
    found = memberships(EVERYONE, (Service("migrator", ddl=True),))
    lent = {options for group in GROUPS.values() for options in found[group.role].values()}
    assert lent == {"INHERIT"}
    assert set(found[GATE].values()) == {"SET"}
    assert found[APP_OWNER] == {GATE: "SET"}


def test_a_service_without_ddl_is_in_no_group() -> None:
    found = memberships(EVERYONE, (Service("web", {"app": frozenset({Privilege.SELECT})}),))
    assert groups_of("web", found) == []
