"""The access model says the same thing wherever it is read."""

import pytest

from strongroom.tiers import (
    FIXED_ROLES,
    GROUPS,
    NEVER_GIVEN,
    TABLE_PRIVILEGES,
    Privilege,
    Rights,
    Tier,
    added,
    ceiling,
    cumulative,
    reserved,
)

P = Privilege


def test_each_tier_adds_what_the_model_says_and_nothing_else() -> None:
    assert added(Tier.JUNIOR, 17) == Rights(tables=frozenset({P.SELECT}))
    assert added(Tier.MID, 17) == Rights(
        tables=frozenset({P.INSERT, P.UPDATE}), sequences=frozenset({P.USAGE})
    )
    assert added(Tier.SENIOR, 17) == Rights(tables=frozenset({P.DELETE, P.TRUNCATE, P.MAINTAIN}))


def test_a_senior_has_every_table_privilege_strongroom_gives_and_a_junior_only_reads() -> None:
    assert cumulative(Tier.SENIOR, 17).tables == TABLE_PRIVILEGES
    assert cumulative(Tier.MID, 17).tables == {P.SELECT, P.INSERT, P.UPDATE}
    assert cumulative(Tier.JUNIOR, 17) == Rights(tables=frozenset({P.SELECT}))


def test_maintain_is_left_out_before_postgresql_17() -> None:
    assert P.MAINTAIN in added(Tier.SENIOR, 17).tables
    assert added(Tier.SENIOR, 16).tables == {P.DELETE, P.TRUNCATE}
    assert P.MAINTAIN not in cumulative(Tier.SENIOR, 16).tables
    assert Rights.of(frozenset({P.MAINTAIN}), 16) == Rights()


def test_only_the_senior_group_reaches_the_gate() -> None:
    assert [tier for tier in Tier if GROUPS[tier].reaches_gate] == [Tier.SENIOR]


def test_each_group_includes_the_one_below_it() -> None:
    assert [GROUPS[tier].includes for tier in Tier] == [None, "tier_reader", "tier_writer"]


@pytest.mark.parametrize("tier", Tier)
def test_a_tier_never_holds_more_than_its_own_people_may_be_given(tier: Tier) -> None:
    held = cumulative(tier, 17)
    assert held.tables | held.routines <= ceiling(tier)
    assert ceiling(tier) - held.tables == {P.EXECUTE}


def test_insert_brings_the_use_of_sequences_but_never_setval() -> None:
    rights = Rights.of(frozenset({P.INSERT, P.UPDATE, P.EXECUTE}))
    assert rights.sequences == {P.USAGE}
    assert rights.routines == {P.EXECUTE}
    assert Rights.of(frozenset({P.UPDATE})).sequences == frozenset()


def test_what_nobody_is_given_is_no_privilege_of_the_model() -> None:
    assert not set(NEVER_GIVEN) & set(Privilege)
    assert {"TRIGGER", "REFERENCES", "CREATE"} <= set(NEVER_GIVEN)


@pytest.mark.parametrize(
    "name",
    [
        *sorted(FIXED_ROLES),
        *("postgres", "public", "none", "current_user", "session_user", "current_role", "all"),
        *("pg_monitor", "pg_", "rdsadmin", "rds_superuser", "rds", "strongroom_agent"),
    ],
)
def test_names_of_others_are_reserved(name: str) -> None:
    assert reserved(name)


@pytest.mark.parametrize("name", ["ada", "pgbouncer", "no", "rooted", "tier_readers"])
def test_names_that_only_resemble_a_reserved_one_are_free(name: str) -> None:
    assert reserved(name) is None
