"""A simulated function runs its own code, and Secrets Manager rotates by it as on AWS."""

import io
import json
import zipfile
from typing import Any

import pytest

from rehearsal.simulator.server import Simulator
from tests.rehearsal.conftest import Client

#: A rotation function that says what it was asked, and moves the stages as AWS asks it to.
CODE = """
import os
import boto3

def handler(event, context):
    if event.get("fail"):
        raise ValueError("it was told to")
    if event.get("linger"):
        import time
        time.sleep(60)
    if "Step" not in event:
        return {"own": os.environ["OWN"], "home": os.environ["LAMBDA_TASK_ROOT"] == os.getcwd()}
    secrets, token = boto3.client("secretsmanager"), event["ClientRequestToken"]
    named = {"SecretId": event["SecretId"]}
    if event["Step"] == "createSecret":
        secrets.put_secret_value(
            **named, SecretString="new", ClientRequestToken=token, VersionStages=["AWSPENDING"]
        )
    if event["Step"] == os.environ["OWN"]:
        raise ValueError("half way")
    if event["Step"] == "finishSecret":
        stages = secrets.describe_secret(**named)["VersionIdsToStages"]
        (before,) = (each for each, held in stages.items() if "AWSCURRENT" in held)
        secrets.update_secret_version_stage(
            **named, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=before
        )
"""
TRUST = {"Version": "2012-10-17", "Statement": []}


def archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in files.items():
            file.writestr(name.replace("__", "."), content)
    return packed.getvalue()


@pytest.fixture
def function(aws: Client, request: pytest.FixtureRequest) -> Any:
    """Makes a function; returns its client and its ARN."""

    def make(name: str, own: str, timeout: int = 30) -> tuple[Any, str]:
        iam, client = aws("iam"), aws("lambda")
        trust = json.dumps(TRUST)
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        made = client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="main.handler",
            Timeout=timeout,
            Code={"ZipFile": archive(main__py=CODE)},
            Environment={"Variables": {"OWN": own}},
            LoggingConfig={"LogFormat": "JSON", "LogGroup": "/aws/lambda/own"},
        )
        return client, made["FunctionArn"]

    return make


def test_an_invocation_runs_the_archive_with_the_functions_variables(function: Any) -> None:
    client, _ = function("runs", "mine")
    answer = client.invoke(FunctionName="runs", Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == {"own": "mine", "home": True}
    assert "FunctionError" not in answer
    told = client.get_function_configuration(FunctionName="runs")
    assert told["LoggingConfig"]["LogFormat"] == "JSON"


def test_a_function_that_fails_answers_as_lambda_does(function: Any, simulator: Simulator) -> None:
    client, _ = function("fails", "mine")
    answer = client.invoke(FunctionName="fails", Payload=b'{"fail": true}')
    told = json.loads(answer["Payload"].read())
    assert answer["FunctionError"] == "Unhandled"
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "it was told to")
    assert simulator.functions.ran[-1].error == "ValueError: it was told to"


def test_a_function_that_lingers_is_ended_after_its_timeout(function: Any) -> None:
    client, _ = function("lingers", "mine", timeout=1)
    answer = client.invoke(FunctionName="lingers", Payload=b'{"linger": true}')
    assert "timed out after 1.00 seconds" in json.loads(answer["Payload"].read())["errorMessage"]


def secret_of(aws: Client, name: str) -> tuple[Any, dict[str, str]]:
    client = aws("secretsmanager")
    made = client.create_secret(Name=name, SecretString="old")
    return client, {"SecretId": made["ARN"]}


def test_a_rotation_calls_the_four_steps_and_leaves_the_stages_to_the_function(
    aws: Client, function: Any, simulator: Simulator
) -> None:
    _, arn = function("rotates", "none")
    client, named = secret_of(aws, "rotated")
    rules = {"AutomaticallyAfterDays": 30}
    client.rotate_secret(**named, RotationLambdaARN=arn, RotationRules=rules)
    steps = [each.asked for each in simulator.functions.ran if each.function == "rotates"]
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert client.get_secret_value(**named)["SecretString"] == "new"
    told = client.describe_secret(**named)
    assert told["RotationEnabled"] is True
    assert told["RotationRules"] == rules


def test_a_rotation_that_fails_half_way_keeps_the_old_value_current(
    aws: Client, function: Any
) -> None:
    _, arn = function("breaks", "setSecret")
    client, named = secret_of(aws, "kept")
    client.rotate_secret(**named, RotationLambdaARN=arn)
    assert client.get_secret_value(**named)["SecretString"] == "old"
    stages = client.describe_secret(**named)["VersionIdsToStages"].values()
    assert sorted(stage for held in stages for stage in held) == ["AWSCURRENT", "AWSPENDING"]


def test_a_rotation_for_later_is_tested_with_a_copy_that_is_taken_away_again(
    aws: Client, function: Any, simulator: Simulator
) -> None:
    _, arn = function("later", "none")
    client, named = secret_of(aws, "later")
    before = client.describe_secret(**named)["VersionIdsToStages"]
    client.rotate_secret(**named, RotationLambdaARN=arn, RotateImmediately=False)
    assert simulator.functions.ran[-1].asked == "testSecret"
    assert client.describe_secret(**named)["VersionIdsToStages"] == before
    assert client.get_secret_value(**named)["SecretString"] == "old"
