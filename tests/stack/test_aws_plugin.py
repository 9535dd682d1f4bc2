"""The aws plugin for rehearsals, as toolchain/aws.sh has it: its properties, and its refusals."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

pytestmark = pytest.mark.stack

CHECKOUT = Path(__file__).parents[2]
SERVICES = (CHECKOUT / "toolchain" / "aws" / "services.txt").read_text().split()
HERE = {service: "http://127.0.0.1:9" for service in SERVICES if service != "meta"}
SECRET = "wJalrXUtnFEMI"

# What pulumi-aws 7.51.1 has and the Terraform provider this plugin is built on does not yet. A
# program that uses one of these cannot be rehearsed on a closed network.
NEWER = {
    "cloudwatch/LogResourcePolicy": {"resourceArn", "policyScope", "revisionId"},
    "cloudwatch/MetricAlarm": {
        "evaluationCriteria",
        "evaluationInterval",
        "evaluationWindow",
        "warmUpConfiguration",
    },
    "ec2/FlowLog": {"tagFieldSpecifications"},
    "ec2/Route": {"odbNetworkArn"},
    "lambda/EventSourceMapping": {"useResourceTimeoutForPropagation"},
    "lambda/Function": {"useResourceTimeoutForPropagation"},
    "rds/Instance": {"warningEventCategories"},
    "s3/Bucket": {"bucketNamespace"},
    "secretsmanager/Secret": {"type"},
    "secretsmanager/SecretRotation": {
        "externalSecretRotationMetadatas",
        "externalSecretRotationRoleArn",
        "rotationEnabled",
    },
    "secretsmanager/SecretVersion": {"secretArn"},
    "sns/Topic": {"maximumMessageSize"},
}


@pytest.fixture(scope="module")
def plugin() -> Path:
    """The plugin for rehearsals; built if this is the first time, which takes minutes."""
    answer = subprocess.run(
        [CHECKOUT / "toolchain" / "aws.sh"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    if "for rehearsals" not in answer.stderr:
        pytest.skip("the official plugin serves here")
    return Path(answer.stdout.strip()) / "pulumi-resource-aws"


@pytest.fixture(scope="module")
def schema(plugin: Path) -> dict[str, Any]:
    said = subprocess.run([plugin, "schema"], capture_output=True, text=True, check=True)
    return dict(json.loads(said.stdout))


def properties(described: type) -> dict[str, bool]:
    """What a class of pulumi-aws has, by the engine's names: whether each is a list."""
    found = {}
    for name, member in vars(described).items():
        if isinstance(member, property) and member.fget:
            returned = str(member.fget.__annotations__["return"])
            found[getattr(member.fget, "_pulumi_name", name)] = "Sequence[" in returned
    return found


def classes(token: str) -> tuple[type, type]:
    """The class of a resource and that of its arguments."""
    _, path, name = token.split(":")
    module = path.split("/")[0].replace("lambda", "lambda_")
    resource = getattr(importlib.import_module(f"pulumi_aws.{module}"), name)
    defined = vars(sys.modules[resource.__module__])
    arguments = defined.get(f"{name}InitArgs") or defined[f"{name}Args"]
    return resource, arguments


def is_list(described: dict[str, Any]) -> bool:
    return described.get("type") == "array"


def test_every_property_is_called_as_in_pulumi_aws_or_known_to_be_missing(
    schema: dict[str, Any],
) -> None:
    different = {}
    missing: dict[str, set[str]] = {}
    for token, described in schema["resources"].items():
        module, name = token.split(":")[1].split("/")[0], token.split(":")[2]
        for own, kind in zip(("properties", "inputProperties"), classes(token), strict=True):
            theirs = properties(kind)
            ours = {key: is_list(value) for key, value in described.get(own, {}).items()}
            missing.setdefault(f"{module}/{name}", set()).update(theirs.keys() - ours.keys())
            wrong = {key for key, listed in ours.items() if theirs.get(key) != listed}
            if wrong:
                different[f"{token} {own}"] = wrong
    assert different == {}
    assert {name: keys for name, keys in missing.items() if keys} == NEWER


def test_it_says_that_it_is_for_rehearsals_only(schema: dict[str, Any]) -> None:
    assert schema["description"].startswith("For rehearsals only, never for a real account")


@contextmanager
def serving(plugin: Path, home: Path) -> Iterator[Any]:
    """The plugin as a process of its own, on a machine that has credentials and a proxy."""
    credentials = home / "credentials"
    credentials.write_text(
        f"[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n"
    )
    process = subprocess.Popen(
        [plugin],
        env={
            "HOME": str(home),
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://192.0.2.1:9",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="module")
def provider(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A plugin that has not been configured, and never is."""
    with serving(plugin, tmp_path_factory.mktemp("home")) as stub:
        yield stub


@pytest.fixture
def fresh(plugin: Path, tmp_path: Path) -> Iterator[Any]:
    """A plugin of this test's own."""
    with serving(plugin, tmp_path) as stub:
        yield stub


def configure(provider: Any, endpoints: dict[str, str], **more: Any) -> str:
    """Configure the plugin; what it refuses with, or nothing."""
    arguments = struct_pb2.Struct()
    arguments.update(
        {
            "region": "eu-central-1",
            "maxRetries": "1",
            "skipMetadataApiCheck": "true",
            "skipCredentialsValidation": "true",
            "skipRequestingAccountId": "true",
            "endpoints": json.dumps([endpoints]),
            "version": "7.51.1",
            **more,
        }
    )
    request = provider_pb2.ConfigureRequest(
        args=arguments, acceptSecrets=True, acceptResources=True
    )
    try:
        provider.Configure(request)
    except grpc.RpcError as error:
        return str(error.details())
    return ""


def test_with_every_endpoint_on_this_machine_it_is_configured(fresh: Any) -> None:
    assert configure(fresh, HERE) == ""
    assert configure(fresh, {**HERE, "rds": "https://[::1]:4566"}) == ""


def test_without_endpoints_it_refuses_and_names_what_is_missing(provider: Any) -> None:
    said = configure(provider, {})
    assert "for rehearsals only" in said
    assert f"has nothing for {', '.join(sorted(HERE))}" in said
    assert "pulumi plugin install resource aws 7.51.1" in said
    assert SECRET not in said


def test_one_endpoint_left_out_is_enough_to_refuse(provider: Any) -> None:
    for service in HERE:
        rest = {name: url for name, url in HERE.items() if name != service}
        assert f"has nothing for {service}." in configure(provider, rest)


@pytest.mark.parametrize(
    "url",
    [
        "https://rds.eu-central-1.amazonaws.com",
        "http://192.0.2.1:4566",
        "http://0.0.0.0:4566",
        "http://localhost:4566",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@192.0.2.1",
        "http://[::ffff:192.0.2.1]:80",
        "127.0.0.1:4566",
    ],
)
def test_an_endpoint_elsewhere_is_named_and_refused(provider: Any, url: str) -> None:
    said = configure(provider, {**HERE, "rds": url})
    assert f'aws:endpoints[0].rds is "{url}"' in said


def test_an_endpoint_under_another_name_of_its_service_is_refused_too(provider: Any) -> None:
    said = configure(provider, {**HERE, "eventbridge": "https://events.eu-central-1.amazonaws.com"})
    assert "aws:endpoints[0].eventbridge" in said


def test_an_endpoint_of_a_service_that_is_not_served_is_refused_too(provider: Any) -> None:
    assert "aws:endpoints[0].route53" in configure(
        provider, {**HERE, "route53": "https://route53.amazonaws.com"}
    )


def test_a_way_around_the_endpoints_ends_on_this_machine(fresh: Any) -> None:
    """Credentials are fetched before anything is asked: here of a metadata service elsewhere."""
    said = configure(
        fresh,
        HERE,
        skipMetadataApiCheck="false",
        ec2MetadataServiceEndpoint="http://192.0.2.1:80",
        sharedCredentialsFiles=json.dumps(["/dev/null"]),
        skipCredentialsValidation="false",
    )
    assert "does not connect to 192.0.2.1:80" in said
