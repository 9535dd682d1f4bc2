"""A guarded name is seen wherever it is a whole word, in any spelling, and nowhere else."""

import pytest

from strongroom.guard.declared import Guarded
from strongroom.guard.hosts import Place
from strongroom.guard.mentions import Mentions
from tests.unit.guard.surroundings import GUARDED

MENTIONS = Mentions(GUARDED)


def seen(text: str) -> list[str]:
    return [match.declared for match in MENTIONS.in_text(text)]


@pytest.mark.parametrize(
    "text",
    ["db.example.com", "see db.example.com.", "DB.Example.Com!", "https://db.example.com/x",
     "u@db.example.com:5432", "db%2Eexample%2ecom", "x%40db.example.com%2Fapp",
     '"\\ndb.example.com"',
     "https:\\/\\/db.example.com\\/x", "ssh -L 1:db.example.com:5432 bastion", "[db.example.com]"],
)  # fmt: skip
def test_a_name_is_seen(text: str) -> None:
    assert seen(text) == ["db.example.com"]


@pytest.mark.parametrize(
    "text",
    ["mydb.example.com", "db.example.com.org", "db.example.community", "db-example.com",
     "a-db.example.com", "db.example.com-old", "1.10.0.3.7", "10.0.3.777", "10.0.30.7",
     "abc.rds.amazonaws.com", "localhost", "localhost:1543", "localhost:154321", "127.0.0.1"],
)  # fmt: skip
def test_a_part_of_another_word_is_not(text: str) -> None:
    assert seen(text) == []


def test_wildcards_networks_and_ports_of_this_machine_are_seen() -> None:
    assert seen("x.abc.rds.amazonaws.com") == ["*.abc.rds.amazonaws.com"]
    assert seen("a 10.0.3.200, b") == ["10.0.3.0/24"]
    assert seen("http://localhost:15432/") == ["127.0.0.1:15432"]
    assert seen("[::1]:15432 127.0.0.1:15432") == ["127.0.0.1:15432"]


def test_a_place_with_a_port_is_not_seen_with_another() -> None:
    mentions = Mentions([Guarded("p", (Place.parse("db.example.com:6432"),))])
    assert [*mentions.in_text("db.example.com:5432")] == []
    assert [*mentions.in_text("db.example.com:6432")]
    assert [*mentions.in_text("db.example.com")]


def test_ipv6_is_seen_in_any_spelling() -> None:
    mentions = Mentions([Guarded("p", (Place.parse("2001:db8::/32"),))])
    assert [*mentions.in_text("http://[2001:DB8:0:0:0:0:0:1]:80/")]
    assert not [*mentions.in_text("2001:db9::1 12:30:45 ::")]


def test_a_name_in_another_script_is_seen_in_both_spellings() -> None:
    mentions = Mentions([Guarded("p", (Place.parse("bücher.example"),))])
    assert [*mentions.in_text("BÜCHER.example")]
    assert [*mentions.in_text("xn--bcher-kva.example")]


def test_nothing_guarded_sees_nothing() -> None:
    mentions = Mentions(())
    assert [*mentions.in_text("anything 10.0.0.1")] == []
    assert [*mentions.in_bytes(b"anything")] == []
