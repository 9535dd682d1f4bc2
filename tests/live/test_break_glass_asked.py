"""What is asked wrongly opens nothing, and the record is there to be read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom import alerts
from strongroom.errors import StrongroomError
from tests.live.broken_glass import WHY, entries, glass, memberships, open_glass
from tests.live.cli_project import ProjectStack, standing_project
from tests.live.local_stack import apply_model

pytestmark = pytest.mark.live

ASK = ("root", "break-glass", "chiara", *WHY)


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[ProjectStack]:
    with standing_project(strongroom_home) as made:
        apply_model(made)
        yield made


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("chiara", {"--approver": "chiara"}, "nobody approves for themselves. Ask ada, bram"),
        ("chiara", {"--approver": " Chiara LINDQVIST"}, "nobody approves for themselves"),
        ("chiara", {"--approver": "adda"}, "is no engineer of engineers.yaml (did you mean"),
        ("chiara", {"--approver": "esra"}, "the approver esra is junior in local, and only"),
        ("chiara", {"--approver": "gone"}, "the approver gone is without a role in local"),
        ("chiara", {"--approver": "web"}, "is a service, and only a person"),
        ("chiara", {"--approver": ""}, "--approver is missing"),
        ("chiara", {"--reason": ""}, "--reason is missing"),
        ("chiara", {"--reason": "fix it   "}, "--reason has 6 characters"),
        ("chiara", {"--reason": "drop \x1b[8mhidden words"}, "cannot be printed"),
        ("chiara", {"--ticket": " "}, "--ticket is missing"),
        ("chiara", {"--ticket": "INC\n42"}, "cannot be printed"),
        ("chiara", {"--minutes": "0"}, "--minutes is 0"),
        ("chiara", {"--minutes": "61"}, "--minutes is 61"),
        ("ada", {"--approver": "bram"}, "ada is a senior in local already"),
        ("gone", {}, "gone has no role in local"),
        ("web", {}, "'web' is a service"),
        ("nobody", {}, "'nobody' is no engineer"),
        ("esra", {"--ticket": "", "--reason": "", "--approver": "x", "--minutes": "9999"},
         "4 mistakes"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_and_changes_nothing(
    project: ProjectStack, name: str, changed: dict[str, str], said: str
) -> None:
    before = entries(project), alerts.kept(project.folder), memberships(project)
    given = {**dict(zip(WHY[::2], WHY[1::2], strict=True)), **changed}
    options = [word for pair in given.items() for word in pair]
    refused = project.strongroom("root", "break-glass", name, *options, given="select 1;\n")
    assert refused.returncode == 2, refused.stderr
    assert said in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert refused.stdout == ""
    assert (entries(project), alerts.kept(project.folder), memberships(project)) == before


def test_somebody_whose_role_is_not_made_yet_is_told_so_and_nothing_is_recorded(
    project: ProjectStack,
) -> None:
    before = entries(project)
    with (
        pytest.raises(StrongroomError, match="has no role in the database yet"),
        open_glass(project, glass(who="newcomer")),
    ):
        pass
    assert entries(project) == before


def test_a_stopped_server_is_told_in_one_paragraph(project: ProjectStack) -> None:
    before = entries(project)
    project.cluster.stop()
    try:
        for command in (ASK, ("root", "rotate")):
            refused = project.strongroom(*command)
            assert refused.returncode == 1
            assert "The primary of local is stopped" in refused.stderr
            assert len(refused.stderr.splitlines()) == 1
    finally:
        project.cluster.start()
    assert entries(project) == before


def test_the_record_is_shown_verified_and_tampering_ends_with_exit_code_3(
    project: ProjectStack,
) -> None:
    with open_glass(project, glass(name="0000000a")):
        pass
    shown = project.strongroom("root", "record", "--verify")
    assert shown.returncode == 0, shown.stdout
    assert "nothing edited, missing or cut off" in shown.stdout
    (line,) = [
        line for line in shown.stdout.splitlines() if "opened" in line and "0000000a" in line
    ]
    assert "chiara" in line
    assert "the orders of May are wrong" in line
    record = project.folder / "break-glass.jsonl"
    whole = record.read_text()
    try:
        record.write_text("".join(whole.splitlines(keepends=True)[:-1]))
        found = project.strongroom("root", "record", "--verify", "--json")
        assert found.returncode == 3
        assert "was cut off after entry" in json.loads(found.stdout)["problems"][0]
        assert project.strongroom("root", "record").returncode == 0
    finally:
        record.write_text(whole)
