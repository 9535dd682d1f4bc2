"""What each tier can and cannot do, signed in as that person through TLS with a certificate."""

from collections.abc import Callable

import psycopg
import pytest

from tests.live.conftest import Session
from tests.live.local_stack import PEOPLE, LocalStack, refusal

pytestmark = pytest.mark.live
BOTH_KINDS_OF_ROOT = True

JUNIOR, MID, SENIOR = "esra", "chiara", "ada"
EVERY_TIER = {JUNIOR, MID, SENIOR}

#: Statements on a table, and who can run them. {t} is the table.
RIGHTS = [
    ("SELECT count(*) FROM app.{t}", EVERY_TIER),
    ("SELECT body FROM app.{t} WHERE id = 1", EVERY_TIER),
    ("LOCK TABLE app.{t} IN ACCESS SHARE MODE", EVERY_TIER),
    ("EXPLAIN SELECT * FROM app.{t}", EVERY_TIER),
    ("INSERT INTO app.{t} (body) VALUES ('new')", {MID, SENIOR}),
    ("INSERT INTO app.{t} (id, body) VALUES (1, 'x') ON CONFLICT (id) DO NOTHING", {MID, SENIOR}),
    ("UPDATE app.{t} SET body = 'changed' WHERE id = 1", {MID, SENIOR}),
    ("SELECT * FROM app.{t} FOR UPDATE", {MID, SENIOR}),
    ("SELECT nextval('app.{t}_id_seq')", {MID, SENIOR}),
    # PostgreSQL takes UPDATE for enough to lock a table (LOCK, "Notes").
    ("LOCK TABLE app.{t} IN ACCESS EXCLUSIVE MODE", {MID, SENIOR}),
    ("DELETE FROM app.{t} WHERE id = 1", {SENIOR}),
    ("TRUNCATE app.{t}", {SENIOR}),
    ("ANALYZE app.{t}", {SENIOR}),
    ("REINDEX TABLE app.{t}", {SENIOR}),
    ("CLUSTER app.{t} USING {t}_pkey", {SENIOR}),
    ("SELECT setval('app.{t}_id_seq', 1)", set()),
    ("TRUNCATE app.{t} RESTART IDENTITY", set()),
    ("ALTER TABLE app.{t} ADD COLUMN more int", set()),
    ("ALTER TABLE app.{t} RENAME TO other", set()),
    ("ALTER TABLE app.{t} OWNER TO CURRENT_USER", set()),
    ("ALTER TABLE app.{t} DISABLE TRIGGER ALL", set()),
    ("ALTER TABLE app.{t} ENABLE ROW LEVEL SECURITY", set()),
    ("CREATE TRIGGER t AFTER INSERT ON app.{t} EXECUTE FUNCTION tsvector_update_trigger()", set()),
    ("CREATE RULE r AS ON DELETE TO app.{t} DO INSTEAD NOTHING", set()),
    ("CREATE INDEX i ON app.{t} (body)", set()),
    ("DROP TABLE app.{t}", set()),
    ("GRANT SELECT ON app.{t} TO PUBLIC", set()),
    ("REVOKE SELECT ON app.{t} FROM tier_reader", set()),
    ("COMMENT ON TABLE app.{t} IS 'mine'", set()),
]  # fmt: skip


@pytest.mark.parametrize("table", ["before", "after"])
@pytest.mark.parametrize("person", [JUNIOR, MID, SENIOR])
@pytest.mark.parametrize(("statement", "allowed"), RIGHTS, ids=[text[:40] for text, _ in RIGHTS])
def test_a_tier_can_do_on_a_table_made_before_or_after_the_grants_exactly_what_the_model_says(
    session_of: Callable[[str], Session],
    table: str,
    person: str,
    statement: str,
    allowed: set[str],
) -> None:
    refused = refusal(session_of(person), statement.format(t=table), undo=True)
    assert (refused == "") == (person in allowed), refused
    if refused:
        reasons = ("permission denied", "must be owner", "no privileges were granted",
                   "no privileges could be revoked")  # fmt: skip
        assert any(reason in refused for reason in reasons)


@pytest.mark.parametrize("table", ["before", "after"])
def test_vacuum_is_done_for_a_senior_and_skipped_with_a_warning_for_everybody_else(
    session_of: Callable[[str], Session], table: str
) -> None:
    refused = {person: refusal(session_of(person), f"VACUUM app.{table}") for person in EVERY_TIER}
    assert refused.pop(SENIOR) == ""
    assert all("permission denied to vacuum" in reason for reason in refused.values())


@pytest.mark.parametrize("table", ["before", "after"])
def test_an_application_reads_and_writes_but_never_deletes(
    session_of: Callable[[str], Session], table: str
) -> None:
    web = session_of("web")
    allowed = ("SELECT * FROM app.{}", "INSERT INTO app.{} (body) VALUES ('x')",
               "UPDATE app.{} SET body = 'x' WHERE id = 1")  # fmt: skip
    refused = ("DELETE FROM app.{}", "TRUNCATE app.{}", "DROP TABLE app.{}", "ANALYZE app.{}")
    assert [refusal(web, text.format(table), undo=True) for text in allowed] == ["", "", ""]
    assert all(refusal(web, text.format(table), undo=True) for text in refused)


def test_only_who_was_given_execute_on_routines_can_run_a_function_of_app_owner(
    session_of: Callable[[str], Session],
) -> None:
    everyone = (*PEOPLE.values(), "dmitri")
    can = {who for who in everyone if not refusal(session_of(who), "SELECT app.report()")}
    assert can == {"dmitri"}


@pytest.mark.parametrize("who", ["ada", "migrator"])
def test_what_is_made_after_set_role_belongs_to_app_owner_and_follows_the_tiers(
    session_of: Callable[[str], Session], who: str
) -> None:
    maker = session_of(who)
    name = f"app.made_by_{who}"
    maker.execute("SET ROLE app_owner")
    maker.execute(f"CREATE TABLE {name} (id serial, body text)".encode())
    try:
        owner = maker.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = %s", [name.split(".")[1]]
        ).fetchone()
        assert owner == ("app_owner",)
        assert refusal(session_of(JUNIOR), f"SELECT * FROM {name}") == ""
        assert refusal(session_of(JUNIOR), f"INSERT INTO {name} VALUES (1)")
        assert refusal(session_of(MID), f"INSERT INTO {name} (body) VALUES ('x')") == ""
    finally:
        maker.execute("SET ROLE app_owner")
        maker.execute(f"SET strongroom.confirm = 'drop table {name}'".encode())
        maker.execute(f"DROP TABLE {name}".encode())


def test_a_senior_without_set_role_changes_no_table(session_of: Callable[[str], Session]) -> None:
    ada = session_of("ada")
    assert "permission denied for schema app" in refusal(ada, "CREATE TABLE app.mine (id int)")
    assert refusal(ada, "SET ROLE app_owner", "CREATE TABLE app.ours (id int)", undo=True) == ""


@pytest.mark.parametrize("who", ["chiara", "esra", "dmitri", "web"])
def test_nobody_below_senior_reaches_app_owner(
    session_of: Callable[[str], Session], who: str
) -> None:
    for role in ("app_owner", "ddl_gate", "tier_full", "provisioner", "root"):
        assert "permission denied to set role" in refusal(session_of(who), f"SET ROLE {role}")


def test_nobody_wears_a_tier(session_of: Callable[[str], Session]) -> None:
    for person in PEOPLE.values():
        for tier in ("tier_reader", "tier_writer", "tier_full"):
            refused = refusal(session_of(person), f"SET ROLE {tier}")
            assert "permission denied to set role" in refused, (person, tier)


def test_what_a_person_does_stays_that_persons(stack: LocalStack) -> None:
    with stack.sign_in("ada") as ada:
        ada.execute("SET ROLE app_owner")
        seen = ada.execute("SELECT session_user, current_user").fetchone()
    assert seen == ("ada", "app_owner")


def test_every_other_database_is_closed_to_people(stack: LocalStack) -> None:
    for database in ("postgres", "template1"):
        for person in PEOPLE.values():
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                stack.sign_in(person, database)
