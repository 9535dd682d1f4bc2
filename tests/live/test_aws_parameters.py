"""What is known of PostgreSQL's settings for RDS is what a real server says of them."""

from pathlib import Path

import pytest

from components.aws.parameters import FIXED, STATIC
from strongroom.cluster.configuration import contexts
from strongroom.cluster.package import at_hand

pytestmark = pytest.mark.live


def test_the_settings_that_wait_for_a_restart_are_those_that_take_one(
    strongroom_home: Path,
) -> None:
    known = contexts(at_hand(strongroom_home / "server"))
    told = {*FIXED, *STATIC} & known.keys()
    assert len(told) > 25
    assert {name for name in told if known[name] == "postmaster"} == told & STATIC
