"""The whole graph of each stack on AWS is in a file, so that a review shows what a change does."""

import pytest

from components import aws
from tests.unit.aws_graph import GRAPHS, render
from tests.unit.aws_stack import ENVIRONMENTS


@pytest.mark.skipif(not hasattr(aws, "RootSecret"), reason="the platform is not whole yet")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_graph_is_the_one_that_was_reviewed(environment: str) -> None:
    kept = (GRAPHS / f"{environment}.yaml").read_text()
    assert render(environment) == kept, "`make graphs`, then read the difference"
