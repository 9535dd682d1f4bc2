"""What does not fit is found with its keys, and a check that was not run is never clean."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.reconcile.checks import Check, State, run
from tests.live.local_stack import LocalStack, apply_model

pytestmark = pytest.mark.live

Session = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def house(own_stack: LocalStack) -> LocalStack:
    apply_model(own_stack)
    return own_stack


@pytest.fixture
def owner(house: LocalStack) -> Iterator[Session]:
    """A senior at work on a table of the test's own, with a foreign key, an index, a sequence."""
    with house.sign_in("ada") as session:
        session.execute("SET ROLE app_owner")
        session.execute('CREATE TABLE app."Parts" (id serial PRIMARY KEY, "of ""x""" int)')
        session.execute('CREATE INDEX "odd index" ON app."Parts" ("of ""x""")')
        session.execute(
            'INSERT INTO app."Parts" ("of ""x""") SELECT n FROM generate_series(1, 9) n'
        )
        yield session
    with house.root() as root:
        root.execute("SET event_triggers = off")
        root.execute('DROP TABLE app."Parts" CASCADE')
        root.execute("DROP FUNCTION IF EXISTS app.become() CASCADE")


def _checks(house: LocalStack, *files: Path, timeout: int = 20) -> dict[str, Check]:
    found = run(LocalRoot(house.cluster), "app", files, timeout)
    return {check.name: check for check in found}


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.sql"
    path.write_text(text)
    return path


def test_a_sound_database_is_clean_and_left_as_it_was(house: LocalStack, owner: Session) -> None:
    owner.execute(
        'ALTER TABLE app."Parts" ADD CONSTRAINT sound FOREIGN KEY ("of ""x""") '
        'REFERENCES app."Parts" NOT VALID'
    )
    found = _checks(house)
    assert {check.state for check in found.values()} == {State.CLEAN}
    assert 'sound of app."Parts"' in found["foreign keys"].remark
    with house.root() as root:
        query = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"
        assert root.execute(query).fetchone() == (0,)
        query = "SELECT count(*) FROM pg_namespace WHERE nspname ~ 'amcheck'"
        assert root.execute(query).fetchone() == (0,)


def test_rows_that_break_a_foreign_key_are_found_by_their_keys(
    house: LocalStack, owner: Session
) -> None:
    owner.execute('INSERT INTO app."Parts" VALUES (70, 4000), (71, NULL)')
    owner.execute(
        'ALTER TABLE app."Parts" ADD CONSTRAINT broken FOREIGN KEY ("of ""x""") '
        'REFERENCES app."Parts" NOT VALID'
    )
    found = _checks(house)["foreign keys"]
    assert (found.state, found.count) == (State.FOUND, 1)
    assert found.rows == ({"foreign key": 'broken of app."Parts"', "id": "70", 'of "x"': "4000"},)


def test_a_key_of_several_columns_is_matched_as_postgresql_does(
    house: LocalStack, owner: Session
) -> None:
    owner.execute("CREATE TABLE app.other (a int, b int, PRIMARY KEY (a, b))")
    owner.execute('ALTER TABLE app."Parts" ADD COLUMN b int')
    owner.execute('INSERT INTO app."Parts" VALUES (80, 1, NULL), (81, 1, 1), (82, 2, 2)')
    owner.execute("INSERT INTO app.other VALUES (2, 2)")
    for match, wrong in (("SIMPLE", {"81"}), ("FULL", {"80", "81"})):
        owner.execute(
            f'ALTER TABLE app."Parts" ADD CONSTRAINT two FOREIGN KEY ("of ""x""", b) '
            f"REFERENCES app.other MATCH {match} NOT VALID".encode()
        )
        found = _checks(house)["foreign keys"]
        assert {row["id"] for row in found.rows} & {"80", "81", "82"} == wrong
        owner.execute('ALTER TABLE app."Parts" DROP CONSTRAINT two')
    with house.root() as root:
        root.execute("SET event_triggers = off")
        root.execute("DROP TABLE app.other")


def test_a_sequence_behind_its_column_is_found(house: LocalStack, owner: Session) -> None:
    owner.execute('INSERT INTO app."Parts" (id) VALUES (10)')
    found = _checks(house)["sequences"]
    assert found.rows == (
        {
            "sequence": 'app."Parts_id_seq"',
            "column": 'app."Parts".id',
            "next": "10",
            "already_there": "10",
        },
    )
    owner.execute("SELECT nextval('app.\"Parts_id_seq\"')")
    assert _checks(house)["sequences"].state is State.CLEAN


def test_an_index_that_lacks_a_row_is_found(house: LocalStack, owner: Session) -> None:
    # The index is out of service for a moment, so that it does not learn of a row.
    change = "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'app.\"odd index\"'::regclass"
    with house.root() as root:
        root.execute(change.format("false").encode())
    with house.root() as root:
        root.execute('INSERT INTO app."Parts" VALUES (500, 500)')
        root.execute(change.format("true").encode())
        root.execute("SELECT setval('app.\"Parts_id_seq\"', 500)")
    found = _checks(house)
    assert found["indexes"].state is State.FOUND
    (row,) = found["indexes"].rows
    assert (row["index"], row["table"]) == ('app."odd index"', 'app."Parts"')
    assert "lacks matching index tuple" in (row["what"] or "")
    assert found["sequences"].state is State.CLEAN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELEC 1", "syntax error"),
        ("", "cannot open"),
        ('DELETE FROM app."Parts" RETURNING id', "read-only transaction"),
        ('SELECT 1; DELETE FROM app."Parts"', "multi-query"),
        ("SELECT * FROM app.nowhere", "does not exist"),
        ("SELECT nextval('app.\"Parts_id_seq\"')", "permission denied"),
        ("SELECT pg_read_file('/etc/hostname')", "permission denied"),
        ("SELECT set_config('role', 'root', false)", "cannot set parameter"),
        ("COMMIT", "cannot open"),
        ("SELECT pg_sleep(30)", "statement timeout"),
    ],
)
def test_a_check_that_cannot_be_run_is_never_clean_and_changes_nothing(
    house: LocalStack, owner: Session, tmp_path: Path, text: str, why: str
) -> None:
    found = _checks(house, _file(tmp_path, text), timeout=2)["mine.sql"]
    assert found.state is State.FAILED
    assert why in found.problem
    assert owner.execute('SELECT count(*) FROM app."Parts"').fetchone() == (9,)


def test_what_a_check_calls_cannot_become_root(
    house: LocalStack, owner: Session, tmp_path: Path
) -> None:
    owner.execute(
        "CREATE FUNCTION app.become() RETURNS text LANGUAGE plpgsql AS $$ "
        "BEGIN PERFORM set_config('session_authorization', 'root', false); RETURN current_user; "
        "END $$"
    )
    owner.execute("GRANT EXECUTE ON FUNCTION app.become() TO PUBLIC")
    owner.execute("CREATE VIEW app.trap AS SELECT app.become() AS who")
    found = _checks(house, _file(tmp_path, "SELECT * FROM app.trap"))["mine.sql"]
    assert found.state is State.FAILED
    assert "within security-definer function" in found.problem


def test_the_rows_a_check_finds_are_told_with_all_their_columns(
    house: LocalStack, owner: Session, tmp_path: Path
) -> None:
    text = (
        "-- Parts that are large.\n-- Nobody needs them.\n"
        'SELECT id, "of ""x""" AS size, 12345678901234567890.10 AS exact, NULL AS nothing, true AS '
        "yes, '100%s' AS said FROM app.\"Parts\" WHERE id > 8; -- none\n"
    )
    found = _checks(house, _file(tmp_path, text))["mine.sql"]
    assert (found.state, found.count, found.capped) == (State.FOUND, 1, False)
    assert found.about == "Parts that are large. Nobody needs them."
    assert found.rows == (
        {
            "id": "9",
            "size": "9",
            "exact": "12345678901234567890.10",
            "nothing": None,
            "yes": "true",
            "said": "100%s",
        },
    )
    many = _checks(house, _file(tmp_path, "SELECT generate_series(1, 10000000) AS n"))["mine.sql"]
    assert (many.count, many.capped, len(many.rows)) == (1000, True, 20)


def test_row_security_hides_nothing_from_a_check(
    house: LocalStack, owner: Session, tmp_path: Path
) -> None:
    owner.execute('ALTER TABLE app."Parts" ENABLE ROW LEVEL SECURITY')
    found = _checks(house, _file(tmp_path, 'SELECT * FROM app."Parts"'))["mine.sql"]
    assert found.state is State.FAILED
    assert "row-level security" in found.problem


def test_a_database_that_is_gone_is_not_clean(house: LocalStack) -> None:
    found = run(LocalRoot(house.cluster), "nowhere", [Path("/nowhere/mine.sql")], 5)
    assert {check.state for check in found} == {State.FAILED}
