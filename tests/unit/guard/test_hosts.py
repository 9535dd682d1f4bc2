"""A host is recognised in every spelling that leads to it, and no other host is."""

import pytest

from strongroom.guard.hosts import Place


@pytest.mark.parametrize(
    ("declared", "host"),
    [
        ("db.example.com", "DB.Example.COM"),
        ("db.example.com", "db.example.com."),
        ("DB.example.com.", "db.example.com"),
        ("*.abc.rds.amazonaws.com", "orders.abc.rds.amazonaws.com"),
        ("*.abc.rds.amazonaws.com", "a.b.abc.rds.amazonaws.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "BÜCHER.example"),
        ("10.0.3.0/24", "10.0.3.255"),
        ("10.0.3.7", "::ffff:10.0.3.7"),
        ("10.0.3.7", "0x0a000307"),
        ("10.0.3.7", "167772935"),
        ("2001:db8::/32", "2001:0DB8:0:0::1"),
        ("[2001:db8::1]:5432", "[2001:db8::1]"),
    ],
)
def test_every_spelling_of_a_guarded_host_is_recognised(declared: str, host: str) -> None:
    assert Place.parse(declared).covers(host, 5432)


@pytest.mark.parametrize(
    ("declared", "host"),
    [
        ("db.example.com", "mydb.example.com"),
        ("db.example.com", "db.example.com.evil.org"),
        ("db.example.com", "dbxexample.com"),
        ("*.abc.rds.amazonaws.com", "abc.rds.amazonaws.com"),
        ("*.abc.rds.amazonaws.com", "xabc.rds.amazonaws.com"),
        ("10.0.3.0/24", "10.0.4.1"),
        ("db.example.com:6432", "db.example.com"),
        ("10.0.3.7", ""),
        ("10.0.3.7", "10.0.3.7.example.com"),
    ],
)
def test_another_host_is_not(declared: str, host: str) -> None:
    assert not Place.parse(declared).covers(host, 5432)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST.", "127.1", "127.8.9.1", "::1", "0.0.0.0", "[::]",  # noqa: S104 - where one would connect to
     "0x7f000001", "2130706433", "app.localhost", "::ffff:127.0.0.1"],
)  # fmt: skip
def test_this_machine_is_told_apart_by_port_alone(host: str) -> None:
    tunnel = Place.parse("127.0.0.1:15432")
    assert tunnel.covers(host, 15432)
    assert not tunnel.covers(host, 5432)
