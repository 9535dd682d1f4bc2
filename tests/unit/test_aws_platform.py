"""AWS's SDK is large, so only a stack on AWS pays for it."""

import subprocess
import sys

import pytest

from components.program import PLATFORMS
from tests.unit.aws_stack import CHECKOUT

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


def test_there_are_two_platforms_and_no_other() -> None:
    assert list(PLATFORMS) == ["local", "aws"]
    with pytest.raises(KeyError):
        PLATFORMS["azure"]
