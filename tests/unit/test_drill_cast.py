"""The files of a scratch stack: like the real one, and with no way to it."""

from pathlib import Path

import yaml

from strongroom.declaration import Declaration
from strongroom.drill.cast import Play, settings
from strongroom.engine import STACK
from strongroom.roster import Roster
from strongroom.settings import Settings
from strongroom.tiers import Tier

_ROSTER = """\
environments: [production, staging]
schemas: [shop, app]
engineers:
  ada: {name: Ada, tier: senior, environments: {production: mid}}
  bram: {name: Bram, tier: senior, rights: {shop: [EXECUTE]}}
  esra: {name: Esra, tier: junior, environments: {production: none}}
services:
  web: {rights: {shop: [SELECT, INSERT, UPDATE]}}
  report: {rights: {app: [SELECT]}}
  migrator: {ddl: true}
"""
_SMALL = """\
environments: [production]
schemas: [shop]
engineers:
  esra: {name: Esra, tier: junior}
"""


def _declared(roster: str, **values: object) -> Declaration:
    read = Roster.parse(roster, "roster")
    parsed = Settings.parse("production", values, "settings")
    return Declaration(parsed, read, read.engineers_in("production"), Path("/nowhere/production"))


def _scratch_roster(declared: Declaration) -> Roster:
    text = yaml.safe_dump(Play.of(declared).roster(), allow_unicode=True)
    return Roster.parse(text, "scratch")


def test_everybody_has_the_tier_of_the_real_environment() -> None:
    members = _scratch_roster(_declared(_ROSTER)).engineers_in(STACK)
    assert {one.role: one.tier for one in members} == {"ada": Tier.MID, "bram": Tier.SENIOR}
    assert members[1].rights == _declared(_ROSTER).members[1].rights


def test_those_who_are_there_play() -> None:
    cast = Play.of(_declared(_ROSTER)).cast
    assert (cast.schema, cast.application, cast.migrator) == ("shop", "web", "migrator")
    assert (cast.senior, cast.approver, cast.culprit) == ("bram", "bram", "ada")


def test_who_is_missing_is_added() -> None:
    declared = _declared(_SMALL)
    cast = Play.of(declared).cast
    roster = _scratch_roster(declared)
    assert {service.role for service in roster.services} == {cast.application, cast.migrator}
    tiers = {one.role: one.tier for one in roster.engineers_in(STACK)}
    assert tiers[cast.approver] is Tier.SENIOR
    assert cast.culprit == "esra"
    assert cast.culprit != cast.approver


def test_the_settings_are_those_of_the_stack_without_what_leads_to_it() -> None:
    declared = _declared(
        _ROSTER,
        database="shop",
        port=5433,
        vault="/mnt/vault",
        guardedHosts=["db.example.com"],
        server={"shared_buffers": "256MB"},
        statementTimeoutSeconds={"junior": 7},
        massChangeRows=50,
    )
    found = Settings.parse(STACK, settings(declared, delay=30)["config"], "scratch")
    assert (found.port, found.vault, found.guarded_hosts) == (0, "", ())
    assert (found.database, found.server) == ("shop", {"shared_buffers": "256MB"})
    assert found.statement_timeout_seconds[Tier.JUNIOR] == 7
    assert found.mass_change_rows == 50
    assert (found.replica_delay_seconds, found.deletion_protection) == (30, False)
    assert found.drill_every_days == 0
