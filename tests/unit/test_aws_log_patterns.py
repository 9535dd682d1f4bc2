"""The patterns of the watch on AWS: what CloudWatch takes, and what pgaudit's lines match."""

import pytest

from components.aws.log_patterns import HEARTBEAT, ON_A_REPLICA, on_the_primary
from strongroom.bootstrap.steps import sql_text
from strongroom.tiers import ROOT
from tests.unit.cloudwatch_patterns import REGEXES_OF_A_GROUP, is_regex, matches

#: As PostgreSQL 15 with pgaudit 1.7 wrote them, by RDS's prefix and pgaudit.log = 'ddl,role'.
_LINE = "2026-11-24 23:46:35 UTC:10.60.1.7(56868):{role}@app:[7828]:LOG:  AUDIT: SESSION,{audit}"


def _counted(audit: str, role: str = "ada") -> set[str]:
    line = _LINE.format(role=role, audit=audit)
    return {each.metric for each in on_the_primary(ROOT) if matches(each.pattern, line)}


def test_cloudwatch_takes_every_pattern_and_their_number() -> None:
    for group in (on_the_primary(ROOT), ON_A_REPLICA):
        names = [each.name for each in group]
        assert len(set(names)) == len(names)
        assert sum(is_regex(each.pattern) for each in group) <= REGEXES_OF_A_GROUP
        for each in group:
            assert not matches(each.pattern, "")


def test_the_heartbeat_that_is_looked_for_is_the_one_root_lays() -> None:
    assert f"RAISE LOG '{HEARTBEAT}'" in sql_text("cron")


@pytest.mark.parametrize(
    "audit",
    [
        # What a DO block dropped: log_statement has no line of it.
        "4,1,DDL,DROP TABLE,TABLE,app.t,drop table app.t,<not logged>",
        "6,1,DDL,DROP VIEW,VIEW,app.v,drop view app.v;,<not logged>",
        '3,1,DDL,DROP TABLE,TABLE,app.u,"drop table\n\t   app.u;",<not logged>',
        "12,1,DDL,DROP FUNCTION,FUNCTION,app.f(),drop function app.f;,<not logged>",
        # A column, without the word COLUMN.
        "8,1,DDL,ALTER TABLE,TABLE COLUMN,app.w.b,alter table app.w drop b;,<not logged>",
    ],
)
def test_what_destroys_is_found_in_pgaudits_words(audit: str) -> None:
    assert _counted(audit) == {"Destroyed"}


@pytest.mark.parametrize(
    "audit",
    [
        "9,1,ROLE,GRANT,TABLE,,grant select on app.w to root;,<not logged>",
        "2,1,ROLE,GRANT ROLE,,,grant bob to provisioner,<not logged>",
        "3,1,ROLE,ALTER ROLE,,,alter role bob password <REDACTED>,<not logged>",
        "4,1,ROLE,DROP ROLE,,,drop role bob,<not logged>",
        "10,1,ROLE,ALTER DEFAULT PRIVILEGES,TABLES,,alter default privileges in …,<not logged>",
    ],
)
def test_a_change_of_rights_is_found_in_pgaudits_words(audit: str) -> None:
    assert _counted(audit) == {"Rights"}
    for role in ("provisioner", "root"):
        assert {"Rights", "RightsAsDeclared"} <= _counted(audit, role)


@pytest.mark.parametrize(
    "audit",
    [
        "1,1,DDL,CREATE TABLE,TABLE,app.t,create table app.t(i int);,<not logged>",
        "7,1,DDL,ALTER TABLE,TABLE,app.w,alter table app.w add c int;,<not logged>",
        "11,1,DDL,CREATE FUNCTION,FUNCTION,app.f(),create function app.f() …,<not logged>",
    ],
)
def test_daily_work_counts_nothing(audit: str) -> None:
    assert _counted(audit) == set()


@pytest.mark.parametrize(
    "pattern",
    [
        "%(DROP|TRUNCATE)%",
        "%DROP TABLE%",
        "%[^a]b%",
        r"%\bDROP%",
        '?"DROP" "TABLE"',
        '?DROP -"x"',
        "DROP & TABLE",
        f"%{'a' * 1023}%",
    ],
)
def test_a_pattern_that_aws_would_refuse_or_read_otherwise_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        matches(pattern, "DROP TABLE")
