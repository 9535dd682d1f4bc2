"""The stack is handed to tools that read Terraform plans under Terraform's names."""

from pathlib import Path

from rehearsal.checkov import explanation
from rehearsal.engine import Resource
from rehearsal.explained import EXPLAINED
from rehearsal.terraform import plan, types

CHECKOUT = Path(__file__).parents[2]


def resource(kind: str, name: str, id: str, **declared: object) -> Resource:  # noqa: A002
    module, _, own = kind.partition("/")
    token = f"aws:{module}/{own[0].lower()}{own[1:]}:{own}"
    urn = f"urn:pulumi:production::strongroom::{token}::{name}"
    return Resource(urn, token, id, declared, {})


def test_properties_blocks_and_references_are_terraforms() -> None:
    role = resource("iam/Role", "root-role", "root", arn="arn:aws:iam::1:role/root")
    function = resource(
        "lambda/Function",
        "root-function",
        "root-function",
        role="arn:aws:iam::1:role/root",
        memorySize=512,
        vpcConfig={"subnetIds": ["subnet-1"]},
        environment={"variables": {"STRONGROOM_HOST": "h"}},
        password={"4dabf18193072939515e22adb298388d": "x", "ciphertext": "y"},
    )
    document = plan([role, function], types(CHECKOUT))
    _, planned = document["planned_values"]["root_module"]["resources"]
    assert planned["address"] == "aws_lambda_function.root-function"
    values = planned["values"]
    assert values["memory_size"] == 512
    assert values["vpc_config"] == [{"subnet_ids": ["subnet-1"]}]
    assert values["environment"] == [{"variables": {"STRONGROOM_HOST": "h"}}]
    assert values["password"] == "(sealed)"
    _, configured = document["configuration"]["root_module"]["resources"]
    assert "aws_iam_role.root-role.id" in configured["expressions"]["role"]["references"]


def test_every_explanation_gives_a_reason_for_one_check() -> None:
    for known, reason in EXPLAINED.items():
        assert known.check.startswith(("CKV_AWS_", "CKV2_AWS_"))
        assert known.resource.startswith("aws_")
        assert len(reason.split()) > 5


def test_what_is_meant_in_development_is_explained_there_only() -> None:
    finding = ("CKV_AWS_293", "aws_db_instance.primary-instance")
    assert explanation(*finding, "development")
    assert explanation(*finding, "production") == ""
    assert explanation("CKV_AWS_157", "aws_db_instance.replica-instance", "production")
