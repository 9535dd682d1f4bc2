"""Red flags: each fires on what it is for, and on nothing like it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.review_scene import ADA, BRAM, CHIARA, ESRA, PEOPLE, change, roster, step, told

SENIOR = CHIARA.replace("mid", "senior")
LENT = (
    "{who: chiara, tier: senior, environments: [local], until: '2026-11-25T09:00Z',"
    " reason: 'move the orders of May', ticket: INC-1, approver: ada}"
)
GRANT = "postgresql:index/grant:Grant"
ROLE = "postgresql:index/role:Role"
MEMBERSHIPS = "strongroom:access:Memberships"
PRIMARY = "strongroom:local:Primary"


def test_a_change_of_nothing_has_no_red_flag(tmp_path: Path) -> None:
    assert told(change(tmp_path)) == {}


def test_a_hire_a_leaver_and_a_promotion_below_senior_have_none(tmp_path: Path) -> None:
    after = roster((ADA, BRAM, CHIARA, ESRA.replace("junior", "mid"), "f: {name: F, tier: junior}"))
    assert told(change(tmp_path, after=after)) == {}
    assert told(change(tmp_path, after=roster((ADA, CHIARA)))) == {}


def test_who_becomes_senior_can_lose_rows_and_own_objects(tmp_path: Path) -> None:
    found = told(change(tmp_path, after=roster((ADA, BRAM, SENIOR, ESRA))))
    assert found["deletes"] == [
        "chiara (Chiara Lindqvist) can now lose rows: DELETE, TRUNCATE on tables in app."
    ]
    assert "after SET ROLE app_owner: OWNER" in found["owns"][0]
    assert found.keys() == {"deletes", "owns"}


def test_a_service_that_may_delete_or_change_tables_is_flagged(tmp_path: Path) -> None:
    before = roster(services=["web: {rights: {app: [SELECT]}}", "ci: {}"])
    after = roster(services=["web: {rights: {app: [SELECT, TRUNCATE]}}", "ci: {ddl: true}"])
    found = told(change(tmp_path, before, after))
    assert found["deletes"] == ["web (a service) can now lose rows: TRUNCATE on tables in app."]
    assert found["owns"][0].startswith("ci (a service) can now own, change and drop")


def test_rights_that_are_only_lost_have_no_red_flag(tmp_path: Path) -> None:
    assert told(change(tmp_path, roster((ADA, BRAM, SENIOR)), roster((ADA, BRAM, CHIARA)))) == {}


def test_a_lent_tier_is_flagged_with_its_end_approver_and_ticket(tmp_path: Path) -> None:
    found = told(change(tmp_path, after=roster(elevations=[LENT])))
    assert "lent until 2026-11-25 09:00 UTC, approved by ada, INC-1" in found["deletes"][0]
    assert "lends" not in found


def test_a_tier_lent_from_tomorrow_is_flagged_today(tmp_path: Path) -> None:
    later = LENT.replace("until:", "from: '2026-11-25T08:00Z', until:")
    found = told(change(tmp_path, after=roster(elevations=[later])))
    span = "from 2026-11-25 08:00 to 2026-11-25 09:00 UTC"
    assert found["lends"] == [f"chiara is lent senior {span}, with the right to delete."]


def test_a_tier_lent_for_longer_than_the_base_allows_is_flagged(tmp_path: Path) -> None:
    long = LENT.replace("2026-11-25", "2026-11-29")
    hours = {"was": {"elevationMaxHours": 72}, "becomes": {"elevationMaxHours": 200}}
    found = told(change(tmp_path, after=roster(elevations=[long]), **hours))  # type: ignore[arg-type]
    assert "longer than the 72 hours the base allows" in found["lends"][0]
    assert found["weakens"] == ["elevationMaxHours: 72 → 200, so a tier can be lent for longer."]


@pytest.mark.parametrize(
    ("before", "after", "flagged"),
    [
        ({}, {"deletionProtection": False}, True),
        ({"deletionProtection": False}, {"deletionProtection": True}, False),
        ({}, {"guarded": False}, True),
        ({"guardedHosts": ["a.example", "b.example"]}, {"guardedHosts": ["a.example"]}, True),
        ({"guardedHosts": ["a.example"]}, {"guardedHosts": ["a.example", "b.example"]}, False),
        ({"massChangeRows": 100}, {"massChangeRows": 0}, True),
        ({"massChangeRows": 100}, {"massChangeRows": 101}, True),
        ({"massChangeRows": 0}, {"massChangeRows": 100}, False),
        ({}, {"rootPasswordMaxAgeDays": 31}, True),
        ({}, {"rootPasswordMaxAgeDays": 29}, False),
        ({"replicaDelaySeconds": 3600}, {"replicaDelaySeconds": 0}, True),
        ({}, {"replicaDelaySeconds": 3600}, False),
        ({}, {"archiveTimeoutSeconds": 600}, True),
        ({}, {"snapshotEveryHours": 48}, True),
        ({}, {"snapshotKeepDays": 34}, True),
        ({}, {"snapshotLockDays": 0}, True),
        ({}, {"snapshotLockDays": 8}, False),
        ({}, {"elevationMaxHours": 73}, True),
        ({"elevationApprovers": ["ada"]}, {"elevationApprovers": ["ada", "bram"]}, True),
        ({"elevationApprovers": ["ada"]}, {"elevationApprovers": []}, True),
        ({"elevationApprovers": ["ada", "bram"]}, {"elevationApprovers": ["ada"]}, False),
        ({}, {"database": "other"}, True),
        ({}, {"vault": "/mnt/other"}, True),
        ({}, {"serverBinaries": "/opt/pg/bin"}, True),
        ({}, {"server": {"work_mem": "8MB"}}, False),
        ({}, {"statementTimeoutSeconds": {"mid": 600}}, False),
    ],
)
def test_a_setting_is_flagged_in_the_direction_that_weakens(
    tmp_path: Path, before: Mapping[str, Any], after: Mapping[str, Any], flagged: bool
) -> None:
    subject = change(tmp_path, was=before, becomes=after)
    assert len(subject.settings) == 1
    assert list(told(subject)) == (["weakens"] if flagged else [])


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize(
    "kind",
    [
        PRIMARY,
        "strongroom:local:Replica",
        "strongroom:local:SnapshotPolicy",
        "strongroom:local:RootSecret",
        "aws:rds/instance:Instance",
        "aws:secretsmanager/secret:Secret",
        "aws:backup/vault:Vault",
    ],
)
def test_what_holds_data_or_secrets_is_flagged_when_it_goes(
    tmp_path: Path, op: str, kind: str
) -> None:
    assert f"would be {op}d" in told(change(tmp_path, steps=[step(kind, op)]))["loses"][0]
    assert told(change(tmp_path, steps=[step(kind, "update"), step(ROLE, op)])) == {}


def test_protection_that_is_turned_off_is_flagged(tmp_path: Path) -> None:
    on, off = {"deletionProtection": True}, {"deletionProtection": False}
    weaker = step(PRIMARY, declared=on, wanted=off)
    stronger = step(PRIMARY, declared=off, wanted=on)
    assert told(change(tmp_path, steps=[stronger])) == {}
    assert told(change(tmp_path, steps=[weaker]))["unprotected"] == [
        "x: deletion protection is turned off."
    ]
    long, short = {"backupRetentionPeriod": 35}, {"backupRetentionPeriod": 1}
    shorter = step("aws:rds/instance:Instance", declared=long, wanted=short)
    found = told(change(tmp_path, steps=[shorter]))
    assert found["unprotected"] == ["x: backupRetentionPeriod goes from 35 to 1."]
    found = told(change(tmp_path, unprotected=("urn:pulumi:local::strongroom::t::primary-server",)))
    assert "primary-server: the engine would no longer refuse" in found["unprotected"][0]


def test_a_role_above_rights_is_flagged_once_it_is_new(tmp_path: Path) -> None:
    maker = {"name": "esra", "createRole": True}
    found = told(change(tmp_path, steps=[step(ROLE, wanted=maker)]))
    assert found == {"makes-roles": ["esra gets CREATEROLE, which no tier has."]}
    assert told(change(tmp_path, steps=[step(ROLE, declared=maker, wanted=maker)])) == {}


def test_a_grant_that_no_line_of_the_roster_says_is_flagged(tmp_path: Path) -> None:
    grant = {"role": "tier_reader", "objectType": "table", "schema": "app"}
    said = {**grant, "privileges": ["SELECT"]}
    more = {**grant, "privileges": ["SELECT", "DELETE"]}
    assert told(change(tmp_path, steps=[step(GRANT, wanted=said)])) == {}
    assert told(change(tmp_path, steps=[step(GRANT, wanted=more)])) == {
        "beyond-roster": [
            "tier_reader is granted DELETE on table in app, which the roster does not say."
        ]
    }


def test_a_membership_that_no_line_of_the_roster_says_is_flagged(tmp_path: Path) -> None:
    def members(**more: dict[str, str]) -> dict[str, Any]:
        return {"members": {"tier_full": {"ada": "INHERIT", "bram": "INHERIT"}, **more}}

    worn = members(tier_reader={"esra": "INHERIT, SET"})
    found = told(change(tmp_path, steps=[step(MEMBERSHIPS, wanted=worn)]))
    assert found["beyond-roster"] == [
        "esra is in tier_reader with INHERIT, SET, which the roster does not say."
    ]
    assert told(change(tmp_path, steps=[step(MEMBERSHIPS, wanted=members())])) == {}
    taken = {"name": "esra", "roles": ["app_owner"]}
    assert "made a member of app_owner" in str(
        told(change(tmp_path, steps=[step(ROLE, wanted=taken)]))
    )


def test_rights_that_the_base_gives_and_were_never_applied_are_flagged(tmp_path: Path) -> None:
    had = {"members": {"tier_full": {"ada": "INHERIT"}}}
    wanted = {"members": {"tier_full": {"ada": "INHERIT", "bram": "INHERIT"}}}
    late = step(MEMBERSHIPS, declared=had, wanted=wanted)
    assert (
        "bram would come into tier_full" in told(change(tmp_path, steps=[late]))["applies-more"][0]
    )
    explained = change(tmp_path, roster((ADA, CHIARA)), roster((ADA, BRAM, CHIARA)), steps=[late])
    assert "applies-more" not in told(explained)


def test_a_schema_that_is_no_longer_under_guard_is_flagged(tmp_path: Path) -> None:
    before, after = roster(schemas="[app, billing]"), roster(schemas="[app]")
    assert told(change(tmp_path, before, after)) == {
        "unguarded": ["No longer under guard: schema billing."]
    }
    assert told(change(tmp_path, after, before)).get("unguarded") is None


@pytest.mark.parametrize(
    ("path", "flagged"),
    [
        (".github/workflows/deploy.yml", True),
        ("policy/run", True),
        ("components/access.py", True),
        ("strongroom/review/flags.py", True),
        ("requirements.txt", True),
        ("docs/CODEOWNERS", True),
        ("stacks/engineers.yaml", False),
        ("tests/unit/test_x.py", False),
        ("README.md", False),
        ("policy/README.md", True),
    ],
)
def test_code_that_grants_or_reviews_is_flagged(tmp_path: Path, path: str, flagged: bool) -> None:
    assert ("changes-itself" in told(change(tmp_path, files=(path,)))) is flagged


def test_people_with_another_name_only_are_no_change(tmp_path: Path) -> None:
    renamed = change(tmp_path, after=roster((ADA.replace("Okonkwo", "O."), *PEOPLE[1:])))
    assert [person.role for person in renamed.people if person.changed] == []
