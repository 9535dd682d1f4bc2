"""An elevation is a tier lent until a time: read, judged, and held only while it lasts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from strongroom.cli.connect import lifetime, session_settings, tier_of
from strongroom.cluster.certificates import PERSON_LIFETIME
from strongroom.declaration import Declaration
from strongroom.errors import SettingsError
from strongroom.people import Elevation, Member
from strongroom.reading.elevation_form import Lending
from strongroom.rights.rules import groups_of, memberships
from strongroom.roster import Roster
from strongroom.settings import Settings
from strongroom.tiers import GATE, Tier

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TEAM = """\
environments: [staging, production]
schemas: [app]
engineers:
  ada: {name: Ada, tier: senior}
  ada2: {name: ' ada ', tier: senior}
  bram: {name: Bram, tier: senior, environments: {production: mid}}
  grace: {name: Grace, tier: mid, environments: {staging: none}}
  linus: {name: Linus, tier: junior}
elevations:
"""
PARTS = {
    "who": "linus",
    "tier": "senior",
    "environments": "[production]",
    "until": "2026-11-30T18:00:00+01:00",
    "reason": "move the orders of May",
    "ticket": "INC-42",
    "approver": "ada",
}


def line(**changes: str | None) -> str:
    """An elevation as a line of the roster; None leaves a part out."""
    parts = {**PARTS, **{key.rstrip("_"): value for key, value in changes.items()}}
    said = ", ".join(f"{key}: {value}" for key, value in parts.items() if value is not None)
    return f"  - {{{said}}}\n"


def lending(**changes: Any) -> Lending:
    given = {"longest": timedelta(hours=72), "approvers": (), "source": "settings"}
    return Lending("production", **{**given, **changes})


def read(*lines: str, rules: Lending | None = None, now: datetime = NOW) -> Roster:
    return Roster.parse(TEAM + "".join(lines or [line()]), "team.yaml", rules or lending(), now)


def problems_of(*lines: str, rules: Lending | None = None, now: datetime = NOW) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(*lines, rules=rules, now=now)
    return caught.value.problems


def test_an_elevation_is_read_with_its_times_as_one_instant_for_everybody() -> None:
    (found,) = read(line(from_="2026-11-30T18:00+05:30")).elevations
    assert found == Elevation(
        "linus",
        Tier.SENIOR,
        ("production",),
        datetime(2026, 11, 30, 12, 30, tzinfo=UTC),
        datetime(2026, 11, 30, 17, tzinfo=UTC),
        "move the orders of May",
        "INC-42",
        "ada",
    )
    assert found.place == "team.yaml:10"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"who": "linnus"}, "for nobody in the roster, so there is no tier to raise. Did you mean"),
        ({"who": "zoe"}, "Remove it if the person left"),
        ({"who": None}, "has no who, so nobody can tell whom it raises"),
        ({"tier": "junior"}, "'junior', not one of mid or senior, so nobody can tell what is lent"),
        ({"tier": None}, "has no tier"),
        ({"who": "bram", "tier": "mid"}, "in production, where bram is mid already, so it would"),
        ({"who": "grace", "tier": "mid"}, "lends mid in production, where grace is mid already"),
        ({"who": "grace", "environments": "[staging]"}, "staging, where grace has no role to rai"),
        ({"environments": "[prod]"}, "name 'prod', which the roster does not list (staging, prod"),
        ({"environments": "[]"}, "are none, so it would lend nothing"),
        ({"environments": "production"}, "should be a list, not 'production'"),
        ({"environments": None}, "nobody can tell where it holds"),
        ({"until": "2026-11-30T18:00:00"}, "not a date, a time and its zone, so it would end at"),
        ({"until": "2026-11-30"}, "Write it as 2026-11-30T18:00:00+01:00"),
        ({"until": "2026-11-31T18:00:00Z"}, "not a date, a time and its zone"),
        ({"until": "tomorrow"}, "not a date, a time and its zone"),
        ({"until": "20261130"}, "should be text, not 20261130"),
        ({"until": "9999-12-31T23:59:59-23:59"}, "not a date, a time and its zone"),
        ({"until": None}, "has no until, so it would never end"),
        ({"from_": "2026-11-30T17:00:00Z"}, "is not after its from, 2026-11-30 17:00 UTC, so it w"),
        ({"until": "2026-12-03T12:00:01Z"}, "more than 72 hours after it begins"),
        ({"from_": "2026-12-24T08:00Z", "until": "2026-12-27T09:00Z"}, "more than 72 hours after"),
        ({"reason": "because"}, "is 'because', and whoever reads the record needs at least 10"),
        ({"reason": None}, "nobody could say later what it was for"),
        ({"ticket": None}, "nobody could find the work it was for"),
        ({"ticket": "42"}, "the ticket of the elevation of 'linus' should be text, not 42"),
        ({"approver": None}, "nobody answers for it"),
        ({"approver": "linus"}, "is the same person, and nobody approves for themselves"),
        ({"approver": "dora"}, "'dora', who is no engineer of the roster"),
        ({"approver": "bram"}, "is bram, who is mid in production, and only a senior there may"),
        ({"untill": "never"}, "unknown key 'untill'"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_alone(changes: dict[str, Any], said: str) -> None:
    (problem,) = problems_of(line(**changes))
    assert problem.startswith("team.yaml:10: ")
    assert said in problem


def test_a_person_with_two_roles_does_not_approve_for_themselves() -> None:
    text = TEAM.replace("ada2: {name: ' ada ', tier: senior}", "ada2: {name: ' ada ', tier: mid}")
    with pytest.raises(SettingsError, match="is the same person"):
        Roster.parse(text + line(who="ada2"), "team.yaml", lending(), NOW)


def test_settings_may_name_who_approves() -> None:
    only = lending(approvers=("bram", "grace"))
    assert read(line(approver="grace"), rules=only).elevations[0].approver == "grace"
    (problem,) = problems_of(line(), rules=only)
    assert "is ada, and only bram or grace may approve in production" in problem
    (problem,) = problems_of(line(approver="grace"), rules=lending(approvers=("grace", "brem")))
    assert problem == (
        "settings: strongroom:elevationApprovers names 'brem', who is no engineer of the roster, "
        "so nobody answers. Did you mean 'bram'?"
    )


def test_an_environment_is_judged_by_its_own_settings_only() -> None:
    assert read(line(environments="[staging]", approver="bram")).elevations


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        ({}, {}, True),
        ({}, {"tier": "mid", "until": "2026-11-30T19:00Z"}, True),
        ({}, {"environments": "[staging]"}, False),
        ({}, {"environments": "[staging, production]"}, True),
        ({}, {"who": "grace"}, False),
        ({}, {"from": "2026-11-30T17:00Z", "until": "2026-11-30T19:00Z"}, False),
        ({}, {"from": "2026-11-30T16:59Z", "until": "2026-11-30T19:00Z"}, True),
        # What has ended lies before what begins at once.
        ({"until": "2026-11-30T11:00Z"}, {}, False),
        ({"until": "2026-11-29T11:00Z"}, {"until": "2026-11-30T11:00Z"}, False),
    ],
)
def test_two_that_would_hold_at_the_same_time_are_named(
    one: dict[str, str], other: dict[str, str], overlaps: bool
) -> None:
    lines = (line(**one), line(**other))
    if overlaps:
        (problem,) = problems_of(*lines)
        assert problem.startswith("team.yaml:11: ")
        assert "in production overlaps with the one on line 10" in problem
    else:
        assert len(read(*lines).elevations) == 2


def test_the_tier_that_is_lent_holds_from_its_beginning_until_its_end() -> None:
    roster = read(line(from_="2026-11-30T13:00Z"))
    (lent,) = roster.elevations

    def linus(hour: int, minute: int = 0, environment: str = "production") -> Member:
        at = datetime(2026, 11, 30, hour, minute, tzinfo=UTC)
        members = roster.engineers_in(environment, at)
        return next(member for member in members if member.role == "linus")

    own, raised = (
        Member("linus", "Linus", Tier.JUNIOR),
        Member("linus", "Linus", Tier.SENIOR, elevation=lent, base=Tier.JUNIOR),
    )
    assert [linus(12, 59), linus(13), linus(16, 59), linus(17)] == [own, raised, raised, own]
    assert linus(14, environment="staging") == own
    assert groups_of("linus", memberships([linus(14)], ())) == [GATE, "tier_full"]


def test_a_certificate_ends_with_what_is_lent_and_lasts_its_12_hours_otherwise() -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    roster = read(line(until=f"{until:%Y-%m-%dT%H:%M}Z"), now=datetime.now(UTC))
    members = roster.engineers_in("production")
    stack = Declaration(Settings("production"), roster, members, Path("/s"))
    assert timedelta(minutes=58) < lifetime(stack, "linus") <= timedelta(hours=1)
    assert lifetime(stack, "ada") == PERSON_LIFETIME
    assert session_settings(stack, tier_of(stack, "linus"))["statement_timeout"] == "900000"


def test_one_that_has_ended_is_a_warning_and_after_a_week_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Path(__file__).parents[2]
    (tmp_path / "strongroom").mkdir()
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text((checkout / "Pulumi.yaml").read_text())
    (tmp_path / "stacks" / "Pulumi.production.yaml").write_text("config: {}\n")
    (tmp_path / "stacks" / "engineers.yaml").write_text(TEAM + line())
    monkeypatch.chdir(tmp_path)

    def load(now: datetime, values: dict[str, object] | None) -> Declaration:
        return Declaration.load("production", values, now)

    assert load(NOW, {}).warnings == ()
    ended = datetime(2026, 11, 30, 17, tzinfo=UTC)
    (warning,) = load(ended, {}).warnings
    assert warning == (
        "stacks/engineers.yaml:10: the elevation of linus ended at 2026-11-30 17:00 UTC and lends "
        "nothing any more. Remove it by 2026-12-07, when it becomes a mistake; the record keeps it."
    )
    week = ended + timedelta(days=7)
    assert load(week - timedelta(seconds=1), {}).warnings == (warning,)
    with pytest.raises(SettingsError, match="ended at 2026-11-30 17:00 UTC, more than 7 days ago"):
        load(week, {})
    # Time alone stops no command that an emergency may need.
    assert load(week, None).warnings == (warning,)
