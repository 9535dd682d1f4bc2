"""Which way leads to a host: ALL_PROXY and NO_PROXY as Go programs read them."""

import subprocess
import sys

import pytest

from strongroom.errors import StrongroomError
from strongroom.reach.proxy import Proxy

HOST = "db.c0ffee.eu-west-1.rds.amazonaws.com"
SOCKS = "socks5://tunnel:1081"


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        ("socks5://tunnel:1081", Proxy("tunnel", 1081)),
        ("socks5h://tunnel", Proxy("tunnel", 1080)),
        ("socks5://walter:a%20b%40c@tunnel:1081", Proxy("tunnel", 1081, "walter", "a b@c")),
        ("socks5://[::1]:1081", Proxy("::1", 1081)),
        ("http://tunnel:3128", None),
        ("", None),
    ],
)
def test_a_socks_proxy_is_taken_and_another_kind_is_left_alone(
    value: str, proxy: Proxy | None
) -> None:
    assert Proxy.towards(HOST, {"ALL_PROXY": value}) == proxy
    assert Proxy.towards(HOST, {"all_proxy": value}) == proxy


@pytest.mark.parametrize(
    ("host", "excepted", "direct"),
    [
        (HOST, "", False),
        (HOST, HOST, True),
        (HOST, "localhost, *.amazonaws.com", True),
        (HOST, "*.amazonaws.com.", True),
        (HOST, "amazonaws.com", False),
        (HOST, "*.aws.com", False),
        ("amazonaws.com", "*.amazonaws.com", True),
        ("10.60.1.7", "10.60.0.0/16", True),
        ("10.60.1.7", "10.60.1.7,", True),
        ("10.61.1.7", "10.60.0.0/16", False),
        (HOST, "10.60.0.0/16", False),
        ("fd00::7", "10.60.0.0/16, fd00::/8", True),
    ],
)
def test_no_proxy_names_addresses_networks_zones_and_names(
    host: str, excepted: str, direct: bool
) -> None:
    found = Proxy.towards(host, {"ALL_PROXY": SOCKS, "NO_PROXY": excepted})
    assert (found is None) is direct


@pytest.mark.parametrize("host", ["", "/run/postgresql", "localhost", "127.0.0.2", "::1"])
def test_this_machine_is_reached_directly(host: str) -> None:
    assert Proxy.towards(host, {"ALL_PROXY": SOCKS}) is None


@pytest.mark.parametrize("value", ["socks5://", "socks5://:pass@", "socks5://a:secret@h:port"])
def test_a_proxy_that_names_nothing_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(StrongroomError, match="ALL_PROXY names no proxy") as caught:
        Proxy.towards(HOST, {"ALL_PROXY": value})
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_local_stack_pays_for_neither_aws_nor_a_proxy() -> None:
    look = (
        "import sys, strongroom.cli, strongroom.provider.access.matrix;"
        "import strongroom.bootstrap.function;"
        "print(*{'boto3', 'botocore', 'python_socks'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
