"""`strongroom audit`, `can`, `who-can` and `matrix`, as processes against a real server."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.cli_project import ProjectStack, standing_project
from tests.live.local_stack import apply_model

pytestmark = pytest.mark.live

_ROSTER = """\
environments: [local, production]
schemas: [app]
engineers:
  ada: {name: Ada Okonkwo, tier: senior}
  chiara: {name: Chiara Lindqvist, tier: mid}
  dmitri: {name: Dmitri Sato, tier: junior, rights: {app: [EXECUTE]}}
  esra: {name: Esra Novak, tier: junior}
services:
  web: {rights: {app: [SELECT, INSERT, UPDATE]}}
  migrator: {ddl: true}
"""


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    with standing_project(strongroom_home) as made:
        apply_model(made)
        (made.checkout / "stacks" / "engineers.yaml").write_text(_ROSTER)
        yield made


def test_an_audit_is_clean_with_0_and_names_what_drifted_with_2(project: ProjectStack) -> None:
    clean = project.strongroom("audit")
    assert (clean.returncode, clean.stderr.count("not looked into")) == (0, 1), clean.stdout
    assert "as declared: 6 people and services" in clean.stdout
    with project.root() as root:
        root.execute("GRANT DELETE ON app.before TO esra")
        root.execute("CREATE ROLE eve LOGIN; GRANT CONNECT ON DATABASE app TO eve")
    drifted = project.strongroom("audit")
    told = json.loads(project.strongroom("audit", "--json").stdout)
    with project.root() as root:
        root.execute("REVOKE DELETE ON app.before FROM esra")
        root.execute("REVOKE CONNECT ON DATABASE app FROM eve; DROP ROLE eve")
    assert drifted.returncode == 2
    assert told["deviations"] == [
        "esra has DELETE on app.before, granted to esra by app_owner",
        "eve (a role nobody declared) has CONNECT on database app, granted to eve by root",
    ]
    assert drifted.stdout.splitlines() == told["deviations"]
    assert (told["clean"], told["undeclaredRoles"]) == (False, ["eve"])


def test_an_audit_that_cannot_be_made_ends_with_1_even_for_a_mistake_in_the_roster(
    project: ProjectStack,
) -> None:
    roster = project.checkout / "stacks" / "engineers.yaml"
    roster.write_text(_ROSTER.replace("tier: mid", "tier: mdi"))
    failed = project.strongroom("audit")
    roster.write_text(_ROSTER)
    assert failed.returncode == 1
    assert "'mdi'" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_can_tells_the_way_a_right_comes_and_what_set_role_would_add(
    project: ProjectStack,
) -> None:
    answers = json.loads(project.strongroom("can", "ada", "app.before", "--json").stdout)
    by_way = {(each["first"], *each["through"]): each["privileges"] for each in answers}
    assert by_way["", "tier_full", "tier_writer", "tier_reader"] == ["SELECT"]
    assert by_way["", "tier_full"] == ["DELETE", "TRUNCATE", "MAINTAIN"]
    assert "OWNER" in by_way["SET ROLE app_owner", "ddl_gate", "app_owner"]
    assert "esra can do nothing on sequence app.before_id_seq" in (
        project.strongroom("can", "esra", "sequence app.before_id_seq").stdout
    )


@pytest.mark.parametrize("declared", [(), ("--declared",)], ids=["live", "declared"])
def test_who_can_names_everybody_who_signs_in_and_can_by_the_roster_and_by_the_server(
    project: ProjectStack, declared: tuple[str, ...]
) -> None:
    def who(privilege: str, called: str) -> set[str]:
        asked = project.strongroom("who-can", privilege, called, "--json", *declared)
        return {each["role"] for each in json.loads(asked.stdout) if not each["first"]}

    assert who("delete", "app.before") == {"ada", "provisioner", "root"}
    assert who("UPDATE", "app.before") == {"ada", "chiara", "web", "provisioner", "root"}
    assert who("drop", "database app") == {"root"}


def test_the_matrix_is_the_same_by_the_roster_and_by_the_server_in_every_form(
    project: ProjectStack,
) -> None:
    def rights(*options: str) -> set[tuple[str, ...]]:
        text = project.strongroom("matrix", "--csv", *options).stdout
        fields = ("role", "area", "privilege", "through", "first")
        found = {tuple(row[name] for name in fields) for row in csv.DictReader(io.StringIO(text))}
        # What app_owner's own ACL says is part of OWNER.
        return {row for row in found if not row[4] or row[2] in ("OWNER", "CREATE")}

    live = rights()
    assert ("esra", "tables in app", "SELECT", "tier_reader", "") in live
    assert live - {row for row in live if row[1] == "types in app"} == rights("--declared")
    shown = project.strongroom("matrix", COLUMNS="200").stdout
    assert "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, MAINTAIN on tables in app" in shown
    page = project.checkout / "matrix.html"
    assert project.strongroom("matrix", "--html", str(page)).returncode == 0
    assert "<b>SELECT</b> on tables in app <span>through tier_reader" in page.read_text()


def test_what_does_not_exist_is_told_in_a_sentence(project: ProjectStack) -> None:
    for arguments in (("can", "esrra"), ("who-can", "delete", "app.nothing")):
        failed = project.strongroom(*arguments)
        assert failed.returncode == 1
        assert failed.stderr.startswith("strongroom: There is no")
