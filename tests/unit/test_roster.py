"""A roster says who may do what, or every reason why it cannot be read."""

import dataclasses
import time
from pathlib import Path

import pytest

from strongroom.errors import SettingsError, StrongroomError
from strongroom.roster import Member, Roster, Service
from strongroom.tiers import Privilege, Tier

CHECKOUT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"

TEAM = """\
environments: [local, staging, production]
schemas: [app, billing]
engineers:
  grace: {name: Grace, tier: mid, environments: {production: junior}}
  ada: {name: Ada, tier: senior, rights: {billing: [EXECUTE]}}
  linus: {name: Linus, tier: junior, environments: {production: none}}
services:
  web: {rights: {app: [SELECT, INSERT]}}
  migrator: {ddl: true}
"""


def problems_of(text: str) -> list[str]:
    """What is wrong with a roster, a sentence or two each."""
    with pytest.raises(SettingsError) as caught:
        Roster.parse(text, "team.yaml")
    return caught.value.problems


def problems_with(line: str) -> list[str]:
    """What is wrong with an otherwise good roster once an engineer's line is added."""
    return problems_of(TEAM.replace("engineers:\n", f"engineers:\n  {line}\n"))


def test_the_roster_of_this_project_is_good_and_shows_every_tier() -> None:
    roster = Roster.load(CHECKOUT / "stacks" / "engineers.yaml")
    assert {member.tier for member in roster.engineers_in("local")} == set(Tier)
    assert len(roster.engineers) == 5
    assert [service.role for service in roster.services] == ["migrator", "web"]


def test_an_environment_has_its_own_tiers_sorted_by_role() -> None:
    roster = Roster.parse(TEAM, "team.yaml")
    here = {member.role: member.tier for member in roster.engineers_in("staging")}
    assert list(here.items()) == [
        ("ada", Tier.SENIOR),
        ("grace", Tier.MID),
        ("linus", Tier.JUNIOR),
    ]
    assert roster.engineers_in("production") == (
        Member("ada", "Ada", Tier.SENIOR, {"billing": frozenset({Privilege.EXECUTE})}),
        Member("grace", "Grace", Tier.JUNIOR),
    )


def test_services_are_the_same_everywhere_and_sorted() -> None:
    rights = {"app": frozenset({Privilege.SELECT, Privilege.INSERT})}
    assert Roster.parse(TEAM, "team.yaml").services == (
        Service("migrator", ddl=True),
        Service("web", rights),
    )


def test_an_environment_the_roster_does_not_list_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(StrongroomError, match=r"not 'prod'.*Did you mean 'production'\?"):
        Roster.parse(TEAM, "team.yaml").engineers_in("prod")


def test_a_roster_cannot_be_changed_once_read() -> None:
    roster = Roster.parse(TEAM, "team.yaml")
    with pytest.raises(dataclasses.FrozenInstanceError):
        roster.engineers[0].tier = Tier.SENIOR  # type: ignore[misc]
    with pytest.raises(TypeError):
        roster.engineers[0].rights["app"] = frozenset()  # type: ignore[index]


def test_words_that_yaml_may_take_for_values_are_names() -> None:
    text = TEAM.replace("  grace:", "  no:").replace("  ada:", "  on:").replace("  linus:", "  y:")
    assert [person.role for person in Roster.parse(text, "t").engineers] == ["no", "on", "y"]


def test_every_mistake_of_a_file_is_in_one_report_with_its_line() -> None:
    text = (DATA / "every_mistake.yaml").read_text(encoding="utf-8")
    expected = (DATA / "every_mistake.txt").read_text(encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        Roster.parse(text, "every_mistake.yaml")
    assert str(caught.value) + "\n" == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mia: {name: M, tier: lead}", "'lead', not one of junior, mid or senior"),
        ("mia: {name: M, tier: Senior}", "Did you mean 'senior'?"),
        ("mia: {name: M, tier: ~}", "should be text, not empty"),
        ("mia: {name: M, tier: [mid]}", "should be text, not a list"),
        ("mia: {name: '', tier: mid}", "should be text, not empty"),
        ("mia: {tier: mid}", "has no name"),
        ("mia: {name: M}", "has no tier"),
        ("mia: {name: M, tier: mid, tear: mid}", "unknown key 'tear'"),
        ("mia: {name: M, tier: mid, tier: senior}", "written already on line 4"),
        ("root: {name: R, tier: mid}", "'root' is reserved"),
        ("tier_full: {name: R, tier: mid}", "'tier_full' is reserved"),
        ("pg_read_all_data: {name: R, tier: mid}", "is reserved: PostgreSQL keeps"),
        ("rds_superuser: {name: R, tier: mid}", "is reserved: RDS makes"),
        ("postgres: {name: R, tier: mid}", "is reserved: it is the usual superuser"),
        ("public: {name: R, tier: mid}", "as a keyword"),
        ("none: {name: R, tier: mid}", "as a keyword"),
        ("Mia: {name: M, tier: mid}", "Write 'mia'"),
        ("mia@example.org: {name: M, tier: mid}", "is not made of lower-case letters"),
        (f"{'m' * 64}: {{name: M, tier: mid}}", "has 64 bytes"),
        ("mia: {name: M, tier: mid, environments: {prod: mid}}", "environment 'prod'"),
        ("mia: {name: M, tier: mid, environments: {local: no}}", "'no', not one of"),
        ("mia: {name: M, tier: mid, environments: [local]}", "a mapping, not a list"),
        ("mia: {name: M, tier: mid, rights: {ap: [SELECT]}}", "Did you mean 'app'?"),
        ("mia: {name: M, tier: mid, rights: {app: SELECT}}", "a list, not 'SELECT'"),
        ("mia: {name: M, tier: mid, rights: {app: [select]}}", "Did you mean 'SELECT'?"),
        ("mia: {name: M, tier: senior, rights: {app: [TRIGGER]}}", "which nobody is given"),
        ("mia: {name: M, tier: senior, rights: {app: [REFERENCES]}}", "which nobody is given"),
        ("mia: {name: M, tier: senior, rights: {app: [CREATE]}}", "which nobody is given"),
        ("mia: {name: M, tier: senior, rights: {app: [ALL]}}", "which nobody is given"),
        ("mia: {name: M, tier: mid, rights: {app: [USAGE]}}", "has by INSERT"),
        ("mia: {name: M, tier: mid, rights: {app: [DELETE]}}", "for the tier senior only"),
        ("mia: {name: M, tier: junior, rights: {app: [UPDATE]}}", "the tier mid or senior only"),
        ("mia: !person {name: M, tier: mid}", "the tag '!person' is not understood"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_alone(line: str, said: str) -> None:
    (problem,) = problems_with(line)
    assert problem.startswith("team.yaml:4: ")
    assert said in problem


def test_an_engineer_written_twice_is_named_with_both_lines() -> None:
    (problem,) = problems_with("grace: {name: G, tier: senior}")
    assert problem.startswith("team.yaml:5: the key 'grace' was written already on line 4")


def test_an_engineer_who_is_also_a_service_is_named_with_both_lines() -> None:
    (problem,) = problems_with("web: {name: W, tier: mid}")
    assert problem.startswith("team.yaml:9: 'web' is an engineer already on line 4")


def test_a_name_is_measured_in_bytes_because_postgresql_cuts_bytes() -> None:
    characters, length = problems_with(f"{'é' * 33}: {{name: M, tier: mid}}")
    assert "is not made of lower-case letters" in characters
    assert "has 66 bytes" in length


def test_a_right_over_the_ceiling_in_one_environment_names_that_environment() -> None:
    (problem,) = problems_with(
        "mia: {name: M, tier: senior, environments: {staging: none, production: mid}, "
        "rights: {app: [DELETE]}}"
    )
    assert "but is mid in production, so" in problem


def test_a_right_is_judged_only_where_the_engineer_has_a_role() -> None:
    line = "mia: {name: M, tier: senior, environments: {production: none}, rights: {app: [DELETE]}}"
    text = TEAM.replace("engineers:\n", f"engineers:\n  {line}\n")
    assert Roster.parse(text, "t").engineers[-1].tier_in("production") is None


@pytest.mark.parametrize("nothing", ["engineers:", "engineers: {}"])
def test_an_empty_roster_is_refused_because_it_would_take_every_role_away(nothing: str) -> None:
    (problem,) = problems_of(f"environments: [local]\nschemas: [app]\n{nothing}\n")
    assert "has no engineers" in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "should be a mapping, not empty"),
        ("# nothing yet\n", "should be a mapping, not empty"),
        ("- ada\n", "should be a mapping, not a list"),
        ("ada", "should be a mapping, not 'ada'"),
    ],
)
def test_a_file_that_is_no_mapping_says_so(text: str, said: str) -> None:
    assert said in problems_of(text)[0]


def test_a_missing_part_is_told_with_what_it_is_for() -> None:
    problems = problems_of("services: {}\n")
    assert [problem.split(", so ")[0].split(" has no ")[1] for problem in problems] == [
        "environments",
        "schemas",
        "engineers",
    ]


def test_a_missing_list_of_environments_is_not_blamed_on_each_engineer() -> None:
    (problem,) = problems_of(TEAM.replace("environments: [local, staging, production]\n", ""))
    assert "has no environments" in problem


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("public", "a schema of their own"),
        ("pg_app", "begin with pg_"),
        ("information_schema", "PostgreSQL's own"),
        ("strongroom", "guards"),
        ("My App", "lower-case"),
    ],
)
def test_a_schema_that_is_not_the_applications_cannot_be_guarded(schema: str, said: str) -> None:
    assert said in problems_of(TEAM.replace("[app, billing]", f"[app, billing, {schema}]"))[0]


def test_a_value_under_an_unknown_key_is_not_shown_because_it_may_be_a_secret() -> None:
    (problem,) = problems_with("mia: {name: M, tier: mid, password: hunter2}")
    assert "'password'" in problem
    assert "hunter2" not in problem


def test_1000_engineers_are_read_in_well_under_a_second() -> None:
    line = "  eng{}: {{name: Engineer, tier: mid, environments: {{staging: junior}}}}\n"
    people = "".join(line.format(number) for number in range(1000))
    text = TEAM.replace("engineers:\n", f"engineers:\n{people}")
    started = time.process_time()
    roster = Roster.parse(text, "team.yaml")
    assert time.process_time() - started < 0.8
    assert len(roster.engineers_in("staging")) == 1003
