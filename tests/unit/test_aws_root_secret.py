"""What a stack on AWS declares of root's password: no value of it, and nobody who could read one."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pulumi
import pytest

from components.aws.names import Names
from components.aws.primary import Primary
from components.aws.root_access import FunctionAccess, RootAccess
from components.aws.root_secret import RootSecret, RootSecretArgs
from strongroom.aws_settings import AwsSettings
from strongroom.bootstrap.steps import Foundation
from strongroom.packing import Packed
from tests.unit import recording_engine
from tests.unit.recording_engine import Recording, run

ROLE = "arn:aws:iam::123456789012:role/function"
GLASS = "arn:aws:iam::123456789012:role/break-glass"
DEPLOY = "arn:aws:iam::123456789012:role/deploy"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:strongroom/production/root-AbCdEf"
AWS = AwsSettings(region="eu-central-1", break_glass_roles=(GLASS,), pipeline_roles=(DEPLOY,))
#: What AWS answers beside the inputs.
ANSWERED: dict[str, dict[str, Any]] = {
    "aws:iam/role:Role": {"arn": ROLE},
    "aws:kms/key:Key": {"arn": "arn:aws:kms:eu-central-1:123456789012:key/1"},
    "aws:secretsmanager/secret:Secret": {"arn": SECRET},
    "aws:lambda/function:Function": {
        "arn": "arn:aws:lambda:eu-central-1:123456789012:function:strongroom-production-root"
    },
    "aws:cloudwatch/logGroup:LogGroup": {
        "arn": "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/function"
    },
    "aws:cloudwatch/eventRule:EventRule": {
        "arn": "arn:aws:events:eu-central-1:123456789012:rule/opened"
    },
    "aws:sqs/queue:Queue": {"arn": "arn:aws:sqs:eu-central-1:123456789012:opened"},
    "aws:lambda/invocation:Invocation": {
        "result": '{"done": "bootstrap", "rotatedAt": "2026-01-01T00:00:00+00:00"}'
    },
}
FOUNDATION = Foundation("app", ("app",), "production", replicator=False)


def primary() -> Primary:
    """As much of one as root's secret looks at."""
    known = pulumi.Output.from_input
    group = SimpleNamespace(id=known("sg-function"))
    found = pulumi.ComponentResource("test:Primary", "primary")
    told = dict(
        names=Names("production"),
        network=SimpleNamespace(subnet_ids=["subnet-a", "subnet-b"], function_group=group),
        host=known("strongroom-production-primary.abc.eu-central-1.rds.amazonaws.com"),
        port=known(5432),
        identifier="strongroom-production-primary",
        arn=known("arn:aws:rds:eu-central-1:123456789012:db:strongroom-production-primary"),
        resource_id=known("db-ABC"),
        alerts=known("arn:aws:sns:eu-central-1:123456789012:strongroom-production-alerts"),
    )
    vars(found).update(told)
    return cast("Primary", found)


def declare(aws: AwsSettings = AWS, **changes: Any) -> Recording:
    def program() -> None:
        args = RootSecretArgs(
            primary(), Packed("build/function-0123456789ab.zip", "0123456789ab"), FOUNDATION, aws
        )
        RootSecret("root", replace(args, **changes))

    with patch.dict(recording_engine._OUTPUTS, ANSWERED):
        return run(program, "production")


@pytest.fixture(scope="module")
def stack() -> Iterator[Recording]:
    yield declare()


def test_x(stack: Recording) -> None:
    for each in stack.registered:
        print(each.type, each.name, json.dumps(each.inputs, default=str)[:3000])
