"""The policies for people and pipelines: every action is one of AWS's, and none too many."""

import json
import re
from typing import Any

import botocore.session
import pytest
from typer.testing import CliRunner

from strongroom.aws_names import Names
from strongroom.cli import app
from strongroom.permissions.actions import DECLARING, ENDING, LOOKING
from strongroom.permissions.documents import Document, Stack

STACK = Stack(Names("production"), "123456789012", "eu-central-1", "eu-west-1")
DOCUMENTS = {
    "preview": STACK.preview(),
    "up": STACK.up(),
    "break-glass": STACK.break_glass(),
    "ada": STACK.person("ada"),
}

#: Actions that are called otherwise in the API, or are no call of it.
_OTHERWISE = {"lambda:InvokeFunction": "lambda:Invoke"}
_NO_CALLS = {"iam:PassRole", "rds-db:connect"}


def actions(document: Document, effect: str = "Allow") -> set[str]:
    statements = [each for each in document["Statement"] if each["Effect"] == effect]
    return {action for each in statements for action in each["Action"]}


@pytest.fixture(scope="module")
def calls() -> set[str]:
    """Every call of the services that policies name, from botocore's models of them."""
    session = botocore.session.get_session()
    services = {*LOOKING, *DECLARING, *ENDING}
    return {
        f"{service}:{name}"
        for service in services
        for name in session.get_service_model(service).operation_names
    }


def test_every_action_is_a_call_that_aws_knows(calls: set[str]) -> None:
    used = {action for each in DOCUMENTS.values() for action in actions(each)}
    used |= actions(DOCUMENTS["up"], "Deny")
    assert {_OTHERWISE.get(each, each) for each in used - _NO_CALLS} - calls == set()
    assert not [each for each in used if "*" in each]


def test_looking_reads_and_nothing_else() -> None:
    looking = {name for names in LOOKING.values() for name in names}
    assert not [each for each in looking if not re.match(r"(Describe|Get|List)[A-Z]", each)]
    assert "secretsmanager:GetSecretValue" not in actions(DOCUMENTS["preview"])
    beyond = actions(DOCUMENTS["preview"]) - {
        f"{service}:{name}" for service, names in LOOKING.items() for name in names
    }
    assert beyond == {"lambda:InvokeFunction", "rds-db:connect"}


def _statement(document: Document, name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [each for each in document["Statement"] if each["Sid"] == name]
    return found


def test_a_preview_may_call_the_function_by_the_alias_that_only_looks() -> None:
    function = "arn:aws:lambda:eu-central-1:123456789012:function:strongroom-production-root"
    asked = _statement(DOCUMENTS["preview"], "LookAtLeavers")
    assert asked["Resource"] == [f"{function}:look"]
    assert _statement(DOCUMENTS["break-glass"], "Close")["Resource"] == [function]


def test_nobody_who_declares_sees_roots_password_or_ends_a_protected_stack() -> None:
    denied = actions(DOCUMENTS["up"], "Deny")
    assert {"secretsmanager:GetSecretValue", "rds:DeleteDBInstance"} <= denied
    assert not denied & actions(DOCUMENTS["up"])
    loose = Stack(Names("development"), "123456789012", "eu-central-1", protected=False).up()
    assert "rds:DeleteDBInstance" in actions(loose)
    assert "secretsmanager:GetSecretValue" in actions(loose, "Deny")


def test_roles_are_handed_to_services_that_run_as_them_only() -> None:
    handed = _statement(DOCUMENTS["up"], "HandRolesOver")
    assert "lambda.amazonaws.com" in handed["Condition"]["StringEquals"]["iam:PassedToService"]
    assert not [each for each in handed["Resource"] if each.endswith(":role/*")]


def test_a_person_signs_in_as_nobody_else_and_where_they_are_told() -> None:
    arn = "arn:aws:rds-db:eu-central-1:123456789012:dbuser"
    assert DOCUMENTS["ada"]["Statement"] == [
        {
            "Sid": "SignIn",
            "Effect": "Allow",
            "Action": ["rds-db:connect"],
            "Resource": [f"{arn}:*/ada"],
        }
    ]
    told = Stack(
        Names("production"), "123456789012", "eu-central-1", instances=("db-A", "db-B")
    ).person("ada")
    assert told["Statement"][0]["Resource"] == [f"{arn}:db-A/ada", f"{arn}:db-B/ada"]


def test_a_statement_names_what_belongs_to_the_stack_where_its_service_has_names() -> None:
    for service in ("secretsmanager", "sns", "sqs", "events", "lambda", "cloudwatch", "logs"):
        named = _statement(DOCUMENTS["up"], f"Declare{service.capitalize()}")["Resource"]
        assert "*" not in named
        assert any("strongroom" in each for each in named)


@pytest.mark.parametrize(
    ("who", "most"), [("preview", 6144), ("break-glass", 6144), ("ada", 2048), ("up", 10_240)]
)
def test_a_document_is_within_what_iam_takes(who: str, most: int) -> None:
    # A policy by itself, one of a user's own, one of a role's own; white space does not count.
    assert len(json.dumps(DOCUMENTS[who], separators=(",", ":"))) <= most
    names = [each["Sid"] for each in DOCUMENTS[who]["Statement"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9]+", each) for each in names)


def test_the_command_prints_a_document_and_refuses_whom_it_does_not_know() -> None:
    runner = CliRunner()
    given = ["iam", "up", "--account", "123456789012"]
    assert json.loads(runner.invoke(app, given).stdout)["Version"] == "2012-10-17"
    refused = runner.invoke(app, ["iam", "nobody", "--account", "123456789012"])
    assert "'nobody' is neither preview, up, break-glass nor an engineer" in str(refused.exception)
    refused = runner.invoke(app, ["iam", "up", "--account", "12"])
    assert "not 12 digits" in str(refused.exception)
    refused = runner.invoke(app, ["iam", "up", "--stack", "local"])
    assert "is not on AWS" in str(refused.exception)
