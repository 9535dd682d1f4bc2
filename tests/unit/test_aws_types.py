"""toolchain/aws/types.txt: what the plugin for rehearsals serves, pulumi-aws calls the same."""

import importlib
import inspect
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pytest

AWS = Path(__file__).parents[2] / "toolchain" / "aws"
LINES = [
    tuple(line.split())
    for line in (AWS / "types.txt").read_text().splitlines()
    if not line.startswith("#")
]
RESOURCES = [line[0] for line in LINES if line[0].split("/")[1][0].isupper()]
FUNCTIONS = [line[0] for line in LINES if line[0] not in RESOURCES]


def named(served: str) -> Any:
    """What pulumi-aws has under MODULE/TYPE; only the modules that are asked for are loaded."""
    module, name = served.split("/")
    path = {"index": "pulumi_aws", "lambda": "pulumi_aws.lambda_"}.get(
        module, f"pulumi_aws.{module}"
    )
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return getattr(importlib.import_module(path), name if name[0].isupper() else snake)


def test_the_plugin_and_the_sdk_are_the_same_version() -> None:
    assert installed("pulumi-aws") == (AWS / "version").read_text().strip()


def test_every_line_is_two_words_once_and_in_order() -> None:
    for part in (RESOURCES, FUNCTIONS):
        assert part == sorted(set(part))
    assert [line[0] for line in LINES] == RESOURCES + FUNCTIONS
    assert {len(line) for line in LINES} == {2}


@pytest.mark.parametrize("served", RESOURCES)
def test_pulumi_aws_has_the_resource_under_that_token(served: str) -> None:
    module, name = served.split("/")
    token = f"aws:{module}/{name[0].lower()}{name[1:]}:{name}"
    assert named(served).pulumi_type == token


@pytest.mark.parametrize("served", FUNCTIONS)
def test_pulumi_aws_calls_the_function_by_that_token(served: str) -> None:
    assert f"'aws:{served}:{served.split('/')[1]}'" in inspect.getsource(named(served))
