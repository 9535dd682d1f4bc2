"""A change of the roster: read in the preview, then made, then true."""

import re

import psycopg
import pytest

from tests.stack.project import Project

pytestmark = pytest.mark.stack


def test_a_hire_a_promotion_and_a_leaver_are_read_and_then_true(standing: Project) -> None:
    with standing.connect("ada") as connection:
        connection.execute("SET ROLE app_owner")
        connection.execute("CREATE TABLE app.before (n int)")

    def change(roster: dict[str, dict[str, object]]) -> None:
        roster["engineers"]["frida"] = {"name": "Frida Ben", "tier": "junior"}
        roster["engineers"]["chiara"] = {"name": "Chiara Lindqvist", "tier": "senior"}
        del roster["engineers"]["esra"]

    standing.edit_roster(change)
    shown = standing.preview().output
    assert "access-role-frida" in shown
    assert '"tier_writer" => ' in shown
    assert re.search(r'- esra *: "INHERIT"', shown)
    standing.up()
    assert standing.is_quiet("--refresh")
    with standing.connect("chiara") as connection:
        connection.execute("DELETE FROM app.before")
    with standing.connect("frida") as connection:
        connection.execute("SELECT * FROM app.before")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM app.before")
    with pytest.raises(psycopg.OperationalError, match="esra"):
        standing.connect("esra")


def test_a_service_gets_what_its_line_says_also_on_later_tables(standing: Project) -> None:
    def change(roster: dict[str, dict[str, object]]) -> None:
        roster["services"]["cleaner"] = {"rights": {"app": ["SELECT", "DELETE"]}}

    standing.edit_roster(change)
    standing.up()
    with standing.connect("migrator") as connection:
        connection.execute("CREATE TABLE app.later (n int)")
        owner = connection.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = 'later'"
        ).fetchone()
    assert owner == ("app_owner",)
    with standing.connect("cleaner") as connection:
        connection.execute("DELETE FROM app.later")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO app.later VALUES (1)")


def test_every_mistake_in_a_roster_is_told_at_once_and_nothing_is_touched(
    standing: Project,
) -> None:
    def change(roster: dict[str, dict[str, object]]) -> None:
        roster["engineers"]["postgres"] = {"name": "Nobody", "tier": "junior"}
        roster["engineers"]["grace"] = {"name": "Grace", "tier": "princpal"}
        roster["engineers"]["henk"] = {
            "name": "Henk",
            "tier": "junior",
            "rights": {"app": ["DELETE"]},
        }

    kept = (standing.checkout / "stacks" / "engineers.yaml").read_text()
    standing.edit_roster(change)
    refused = standing.up(check=False)
    (standing.checkout / "stacks" / "engineers.yaml").write_text(kept)
    assert refused.code != 0
    assert "3 mistakes; nothing was changed" in refused.output
    for said in ("postgres", "princpal", "DELETE"):
        assert said in refused.output
    assert "Traceback" not in refused.output
    with pytest.raises(psycopg.OperationalError, match="grace"):
        standing.connect("grace")


def test_a_bad_setting_is_refused_with_postgresqls_own_words(standing: Project) -> None:
    kept = (standing.checkout / "stacks" / "Pulumi.local.yaml").read_text()
    standing.edit_settings(lambda values: values["strongroom:server"].update(work_mem="banana"))
    refused = standing.preview(check=False)
    (standing.checkout / "stacks" / "Pulumi.local.yaml").write_text(kept)
    assert refused.code != 0
    assert 'invalid value for parameter "work_mem": "banana"' in refused.output
