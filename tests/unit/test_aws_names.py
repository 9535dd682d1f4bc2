"""Names on AWS are plain, under every limit, and different for different environments."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.aws_names import Names
from strongroom.reading.names import ENVIRONMENT

environments = st.from_regex(ENVIRONMENT, fullmatch=True)


def test_a_plain_environment_is_named_as_it_is() -> None:
    names = Names("production")
    assert names.primary == "strongroom-production-primary"
    assert names.replica == "strongroom-production-replica"
    assert names.delayed == "strongroom-production-delayed"
    assert names.function == "strongroom-production-root"
    assert names.secret == "strongroom/production/root"
    assert names.vault == "strongroom-production"
    assert names.topic == "strongroom-production-alerts"


@given(environments)
def test_every_name_keeps_to_its_limit(environment: str) -> None:
    names = Names(environment)
    for identifier in (names.primary, names.replica, names.delayed):
        assert len(identifier) <= 63
        assert re.fullmatch(r"[a-z](-?[a-z0-9])*", identifier)
    assert len(names.function) <= 64
    assert re.fullmatch(r"[a-zA-Z0-9_-]{2,50}", names.vault)
    assert len(names.log_group(names.primary)) <= 512


@given(st.lists(environments, min_size=2, max_size=2, unique=True))
def test_two_environments_share_no_name(two: list[str]) -> None:
    first, second = (Names(each) for each in two)
    assert first.primary != second.primary
    assert first.secret != second.secret


@pytest.mark.parametrize("environment", ["Production", "production.", "pro_duction", "p" * 31])
def test_what_does_not_fit_ends_with_a_digest(environment: str) -> None:
    assert re.fullmatch(r"[a-z-]{1,21}-[0-9a-f]{8}", Names(environment).short)
