"""AWS's SDK is large, so only a stack on AWS pays for it."""

import subprocess
import sys

import pytest

from components.program import PLATFORMS
from strongroom.tiers import IAM
from tests.unit.aws_stack import CHECKOUT, declare

_LOADED = """
import sys
from components.program import PLATFORMS
PLATFORMS["local"]
print(sorted(name for name in sys.modules if name.split(".")[0] == "pulumi_aws"))
"""


def test_a_stack_on_this_machine_does_not_load_awss_sdk() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_whoever_signs_in_does_so_by_a_token_of_iam_and_no_group_does() -> None:
    roles = [each.inputs for each in declare("production").of_type("postgresql:index/role:Role")]
    assert {each["name"] for each in roles if IAM in each["roles"]} == {
        each["name"] for each in roles if each.get("login")
    }
    assert any(each.get("login") for each in roles)


def test_there_are_two_platforms_and_no_other() -> None:
    assert list(PLATFORMS) == ["local", "aws"]
    with pytest.raises(KeyError):
        PLATFORMS["azure"]
