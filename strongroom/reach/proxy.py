"""The way into a private network: the SOCKS proxy that the environment names.

ALL_PROXY and NO_PROXY (or in lower case) are read as the official postgresql plugin reads them
(Go, `golang.org/x/net/proxy`), so one setting serves both. The proxy resolves the name, with
``socks5`` as with ``socks5h``. Other than there, this machine itself is never reached through it:
a local stack does not depend on what a shell holds.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Self
from urllib.parse import unquote, urlsplit

import psycopg

from strongroom.errors import StrongroomError

_SCHEMES = ("socks5", "socks5h")
_PORT = 1080

#: Seconds of silence, seconds between probes, and how many go unanswered (tcp(7)).
_KEPT_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


@dataclass(frozen=True)
class Proxy:
    """A SOCKS5 proxy.

    Attributes:
        host: its name or address.
        port: its TCP port, 1 to 65535.
        username: who signs in there; empty for nobody.
        password: what they sign in with; never told.
    """

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def towards(cls, host: str, environment: Mapping[str, str] = os.environ) -> Self | None:
        """The proxy that leads to `host`; None when it is reached directly.

        Args:
            host: a name, an address, or the folder of a socket.
            environment: holds ALL_PROXY and NO_PROXY. A proxy of another kind than SOCKS5 is
                left alone.

        Raises:
            StrongroomError: ALL_PROXY names no host and port.
        """
        named = _either(environment, "ALL_PROXY")
        scheme, _, rest = named.partition("://")
        if scheme not in _SCHEMES or _here(host):
            return None
        if _excepted(host, _either(environment, "NO_PROXY").split(",")):
            return None
        # What is wrong with it is not told: it may hold a password.
        with suppress(ValueError):
            parts = urlsplit(f"//{rest}")
            if parts.hostname:
                who = (unquote(parts.username or ""), unquote(parts.password or ""))
                return cls(parts.hostname, parts.port or _PORT, *who)
        raise StrongroomError(
            f"ALL_PROXY names no proxy to reach {host} through, so nothing was connected to. "
            "Write it as socks5://HOST:PORT, or as socks5://USER:PASSWORD@HOST:PORT with "
            "what is special in user and password as %XX; or unset it to connect directly."
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def dial(self, host: str, port: int, seconds: float | None) -> socket.socket:
        """A connection to `host`, through the proxy.

        Args:
            host: a name, which the proxy resolves, or an address.
            port: TCP port, 1 to 65535.
            seconds: until it is given up; None waits as long as the system does.

        Raises:
            psycopg.OperationalError: the proxy cannot be reached, or does not reach `host`.
        """
        from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
        from python_socks.sync import Proxy as Client

        client = Client(
            proxy_type=ProxyType.SOCKS5,
            host=self.host,
            port=self.port,
            username=self.username or None,
            password=self.password or None,
            rdns=True,
        )
        try:
            opened = client.connect(host, port, timeout=seconds)
        except (ProxyConnectionError, ProxyError, ProxyTimeoutError, OSError) as error:
            reason = "timeout" if isinstance(error, ProxyTimeoutError) else _line(error)
            raise psycopg.OperationalError(
                f"connection to {host}:{port} through the SOCKS proxy {self} failed: {reason}"
            ) from error
        opened.settimeout(None)
        # libpq's own keepalives end at this machine: a network that is gone has to be noticed here.
        for level, option, value in _KEPT_ALIVE:
            opened.setsockopt(level, option, value)
        return opened


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or environment.get(name.lower()) or ""


def _here(host: str) -> bool:
    """Whether it is this machine, or a Unix socket on it."""
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _excepted(host: str, entries: Iterable[str]) -> bool:
    """Whether an entry of NO_PROXY fits: address, network, *.zone or name."""
    for entry in filter(None, map(str.strip, entries)):
        try:
            if ip_address(host) in ip_network(entry, strict=False):
                return True
        except (ValueError, TypeError):
            name = entry.removesuffix(".")
            zone = name.removeprefix("*")
            if host == name or (zone != name and (host.endswith(zone) or host == zone[1:])):
                return True
    return False


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
