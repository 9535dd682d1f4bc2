"""The stacks on AWS as their files declare them, run by an engine that makes nothing."""

import json
import os
import runpy
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from pulumi.runtime import mocks
from pulumi.runtime.mocks import MockResourceArgs

from components.aws.primary import Primary, PrimaryArgs
from components.aws.replica import replicas
from strongroom.declaration import Declaration
from strongroom.packing import Packed, Packing
from strongroom.roster import Roster
from strongroom.settings import Settings
from tests.unit.recording_engine import Answers, Recording, run

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("development", "staging", "production")

REGION = "eu-central-1"
ACCOUNT = "123456789012"

#: What identifies a type in ARNs; all others are told by the resource's name alone.
_ARNS = {
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:rds/instance:Instance": "arn:aws:rds:{region}:{account}:db:{name}",
    "aws:sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
    "aws:kms/key:Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "aws:secretsmanager/secret:Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}",
    "aws:lambda/function:Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:sqs/queue:Queue": "arn:aws:sqs:{region}:{account}:{name}",
}
#: The properties that hold a name of its own, where there is one.
_NAMES = ("name", "identifier", "topicName")


class AwsAnswers(Answers):
    """As AWS would answer: ARNs, and an address for each instance, all of them made of names."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        made, outputs = super().new_resource(args)
        if not args.typ.startswith("aws:"):
            return made, outputs
        kind = args.typ.split(":")[1].split("/")[0]
        name = next((outputs[each] for each in _NAMES if outputs.get(each)), args.name)
        arn = _ARNS.get(args.typ, "arn:aws:" + kind + ":{region}:{account}:{name}")
        told = {
            "arn": arn.format(region=REGION, account=ACCOUNT, name=name),
            "name": name,
            "keyId": args.name,
            "address": f"{name}.abcdefghijkl.{REGION}.rds.amazonaws.com",
            "resourceId": f"db-{args.name.upper()}",
            "invokeArn": arn.format(region=REGION, account=ACCOUNT, name=name),
            "result": json.dumps({"rotatedAt": "2026-01-01T00:00:00+00:00"}),
        }
        return made, {**told, **outputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        raise AssertionError(f"{args.token} is called: a program of ours asks nothing")


class NothingThere(Answers):
    """An empty account: a preview knows what it is told, and nothing of what will be made."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return "", dict(args.inputs)


def configuration(environment: str, **changes: Any) -> dict[str, str]:
    """A stack's configuration as the engine hands it over: text, and JSON for objects.

    Args:
        environment: the stack's name.
        changes: fields of `strongroom:aws` that are not as in the file.
    """
    file = CHECKOUT / "stacks" / f"Pulumi.{environment}.yaml"
    values = yaml.safe_load(file.read_text())["config"]
    values["strongroom:aws"] = {**values["strongroom:aws"], **changes}
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }


def servers(
    environment: str = "production",
    answers: mocks.Mocks | None = None,
    preview: bool = False,
    **changes: Any,
) -> Recording:
    """Primary and replicas alone, and what they stand in.

    Args:
        environment: the stack whose file they are declared by; another name has production's.
        answers: what the plugins would answer; by default as AWS would.
        preview: whether this is a preview.
        changes: settings that are not as in the file, fields of `strongroom:aws` as ``aws``.
    """
    values = configuration("production" if environment not in ENVIRONMENTS else environment)
    region = values["aws:region"]
    own = {key: value for key, value in values.items() if key.startswith("strongroom:")}
    aws = {**json.loads(own.pop("strongroom:aws")), **changes.pop("aws", {})}
    told = {**own, **{f"strongroom:{key}": value for key, value in changes.items()}}
    settings = Settings.parse(environment, {**told, "aws:region": region, "aws": aws}, "test")
    roster = Roster("test", ENVIRONMENTS, ("app",), (), ())
    stack = Declaration(settings, roster, (), Path("/nowhere"))

    def program() -> None:
        primary = Primary("primary", PrimaryArgs.of(stack))
        replicas(stack, primary)

    return run(program, environment, answers or AwsAnswers(), preview)


def declare(
    environment: str,
    values: dict[str, str] | None = None,
    answers: mocks.Mocks | None = None,
    preview: bool = False,
) -> Recording:
    """What the program registers for a stack.

    Args:
        environment: the stack's name.
        values: its configuration; by default that of its file.
        answers: what the plugins would answer; by default as AWS would.
        preview: whether this is a preview.
    """
    given = {"PULUMI_CONFIG": json.dumps(values or configuration(environment))}

    def program() -> None:
        with warnings.catch_warnings():
            # pulumi_postgresql warns of a module of its own when it is first imported.
            warnings.simplefilter("ignore", DeprecationWarning)
            runpy.run_path(str(CHECKOUT / "__main__.py"), run_name="__main__")

    with patch.dict(os.environ, given), _packed():
        return run(program, environment, answers or AwsAnswers(), preview)


def _packed() -> AbstractContextManager[Any]:
    """The function as if it had been packed, which takes downloads."""
    code = Packed("build/function.zip", "0123456789ab")
    return patch.object(Packing, "at_hand", lambda _: code)
