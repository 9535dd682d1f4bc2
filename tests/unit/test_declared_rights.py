"""What a roster declares each person can do in the end, and a change of it in words."""

from itertools import pairwise

import pytest

from strongroom.people import Member, Service
from strongroom.rights.declared import declared, difference, every_role, phrases
from strongroom.rights.model import Held
from strongroom.tiers import APP_OWNER, GATE, Privilege, Tier

ADA = Member("ada", "Ada", Tier.SENIOR)
CHIARA = Member("chiara", "Chiara", Tier.MID)
DMITRI = Member("dmitri", "Dmitri", Tier.JUNIOR, {"app": frozenset({Privilege.EXECUTE})})
ESRA = Member("esra", "Esra", Tier.JUNIOR)
EVERYONE = (ADA, CHIARA, DMITRI, ESRA)
SERVICES = (
    Service("migrator", ddl=True),
    Service("web", {"app": frozenset({Privilege.SELECT, Privilege.INSERT})}),
)
OWNED = "after SET ROLE app_owner: OWNER on routines in app, sequences in app and tables in app"


def _words(role: str) -> list[str]:
    return phrases(declared(("app",), EVERYONE, SERVICES)[role])


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("esra", ["CONNECT on the database", "SELECT on tables in app", "USAGE on schema app"]),
        (
            "dmitri",
            [
                "CONNECT on the database",
                "EXECUTE on routines in app",
                "SELECT on tables in app",
                "USAGE on schema app",
            ],
        ),
        (
            "chiara",
            [
                "CONNECT on the database",
                "SELECT, INSERT, UPDATE on tables in app",
                "USAGE on schema app and sequences in app",
            ],
        ),
        (
            "ada",
            [
                "CONNECT on the database",
                "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, MAINTAIN on tables in app",
                "USAGE on schema app and sequences in app",
                "after SET ROLE app_owner: CREATE on schema app",
                OWNED,
            ],
        ),
        (
            "migrator",
            [
                "CONNECT on the database",
                OWNED,
                "after SET ROLE app_owner: USAGE, CREATE on schema app",
            ],
        ),
        (
            "web",
            [
                "CONNECT on the database",
                "SELECT, INSERT on tables in app",
                "USAGE on schema app and sequences in app",
            ],
        ),
    ],
)
def test_what_each_kind_of_role_can_do_in_the_end(role: str, expected: list[str]) -> None:
    assert _words(role) == expected


def test_every_right_says_through_which_group_it_is_had() -> None:
    held = declared(("app",), EVERYONE, ())["ada"]
    through = {(each.area, each.privilege): each.through for each in held}
    assert through["tables in app", "SELECT"] == "tier_reader"
    assert through["tables in app", "UPDATE"] == "tier_writer"
    assert through["tables in app", "DELETE"] == "tier_full"
    assert through["tables in app", "OWNER"] == APP_OWNER
    own = declared(("app",), EVERYONE, ())["dmitri"]
    assert Held("routines in app", "EXECUTE", "dmitri") in own


def test_a_promotion_reads_as_what_it_gives_and_a_demotion_as_what_it_takes() -> None:
    everyone = declared(("app",), EVERYONE, ())
    chiara, esra = everyone["chiara"], everyone["esra"]
    given = ["+ INSERT, UPDATE on tables in app", "+ USAGE on sequences in app"]
    assert difference(esra, chiara) == given
    assert difference(chiara, esra) == [line.replace("+", "-") for line in given]
    assert difference(chiara, chiara) == []
    assert difference((), esra) == [
        "+ CONNECT on the database",
        "+ SELECT on tables in app",
        "+ USAGE on schema app",
    ]


def test_the_same_right_through_another_group_is_no_change() -> None:
    before = [Held("tables in app", "SELECT", "tier_reader")]
    after = [Held("tables in app", "SELECT", "esra"), Held("tables in app", "SELECT", "tier_full")]
    assert difference(before, after) == []


def test_switching_roles_is_another_right_than_having_it() -> None:
    before = [Held("tables in app", "OWNER", APP_OWNER, after_set_role=True)]
    after = [Held("tables in app", "OWNER", APP_OWNER)]
    assert difference(before, after) == [
        "+ OWNER on tables in app",
        "- after SET ROLE app_owner: OWNER on tables in app",
    ]


def test_areas_with_the_same_privileges_are_told_together() -> None:
    rights = [Held(f"tables in {schema}", "SELECT", "x") for schema in ("app", "billing", "crm")]
    assert phrases(rights) == ["SELECT on tables in app, tables in billing and tables in crm"]


def test_a_greater_tier_can_do_all_that_a_lesser_one_can() -> None:
    everyone = declared(("app", "billing"), EVERYONE, ())
    for lesser, greater in pairwise(("esra", "chiara", "ada")):
        gained = difference(everyone[lesser], everyone[greater])
        assert gained
        assert all(line.startswith("+") for line in gained)


def test_groups_and_owners_have_rights_too_but_nobody_asks_for_them_among_people() -> None:
    everyone = every_role(("app",), EVERYONE, SERVICES)
    assert set(declared(("app",), EVERYONE, SERVICES)) == {
        *(one.role for one in EVERYONE),
        *(one.role for one in SERVICES),
    }
    assert phrases(everyone["tier_reader"]) == _words("esra")
    assert Held("tables in app", "OWNER", APP_OWNER) in everyone[APP_OWNER]
    assert all(held.after_set_role for held in everyone[GATE])
