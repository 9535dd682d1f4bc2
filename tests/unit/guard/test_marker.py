"""The marker: what is written is read back, and a spoilt one never takes the guard away."""

import pytest

from strongroom.marker import marker, read_marker


@pytest.mark.parametrize("environment", ["production", "eu-west_1.a", "Local2"])
@pytest.mark.parametrize("guarded", [True, False])
def test_what_is_written_is_read_back(environment: str, guarded: bool) -> None:
    assert read_marker(marker(environment, guarded)) == (environment, guarded)


def test_the_marker_of_a_guarded_environment_is_short() -> None:
    assert marker("production", guarded=True) == "strongroom.environment=production"


@pytest.mark.parametrize("comment", [None, "", "The shop's database", "strongroom.environment="])
def test_a_comment_without_a_marker_has_none(comment: str | None) -> None:
    assert read_marker(comment) is None


def test_people_may_write_around_it() -> None:
    comment = "The shop. strongroom.environment=production; owner: ada"
    assert read_marker(comment) == ("production", True)
    assert read_marker("strongroom.environment=local; guard=off; x") == ("local", False)


@pytest.mark.parametrize("rest", ["guard=on", "guard=offline", "guard = off", "noguard=off", ""])
def test_nothing_but_the_exact_words_switches_the_guard_off(rest: str) -> None:
    assert read_marker(f"strongroom.environment=production; {rest}") == ("production", True)


def test_the_name_inside_a_longer_one_is_no_marker() -> None:
    assert read_marker("my.strongroom.environment=production") is None


@pytest.mark.parametrize("name", ["", "a b", "a;guard=off", "a=b"])
def test_a_name_that_would_not_be_read_back_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        marker(name, guarded=True)
