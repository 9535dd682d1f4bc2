"""Where a guarded database is reached, as declared, and whether a host found is that place."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Self

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")
_ENDS_IN_PORT = re.compile(r"(?:\[(?P<bracketed>[^]]*)]|(?P<plain>[^:]*))(?::(?P<port>\d+))?")


@dataclass(frozen=True)
class Place:
    """One declared place.

    Attributes:
        text: as it was declared, which is also how reports name it.
        name: the host name, normal, perhaps with ``*.`` in front; empty for addresses.
        network: the addresses; None for names.
        port: 1 to 65535, or None for every port.
    """

    text: str
    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a place that `settings_form.host_problem` has no objection to."""
        split = _ENDS_IN_PORT.fullmatch(text)
        host, port = text, None
        if split is not None:  # an IPv6 address without brackets has no port
            host = split["bracketed"] or split["plain"] or ""
            port = int(split["port"]) if split["port"] else None
        if (address := address_of(host)) is not None:
            return cls(text, network=ipaddress.ip_network(address), port=port)
        try:
            return cls(text, network=ipaddress.ip_network(host), port=port)
        except ValueError:
            return cls(text, name=normal(host), port=port)

    @property
    def loopback(self) -> bool:
        """Whether it is on the machine itself, where only the port tells servers apart."""
        return self.network is not None and self.network.is_loopback

    def is_at(self, port: int) -> bool:
        """Whether this place may be meant by `port`."""
        return self.port in (None, port)

    def covers(self, host: str, port: int) -> bool:
        """Whether a connection to `host` (a name or an address) and `port` goes here."""
        if not self.is_at(port):
            return False
        address = address_of(host)
        return self.covers_name(host) if address is None else self.covers_address(address)

    def covers_name(self, host: str) -> bool:
        """Whether `host` is this name, or one below its wildcard."""
        if self.name.startswith("*."):
            return normal(host).endswith(self.name[1:])
        return bool(self.name) and normal(host) == self.name

    def covers_address(self, address: Address) -> bool:
        """Whether `address` is one of this place's; all loopback addresses are the same."""
        if self.network is None:
            return False
        return address in self.network or (address.is_loopback and self.loopback)


def normal(host: str) -> str:
    """A host name as names are compared: lower case, ASCII (IDNA), without the final dot."""
    name = host.strip().rstrip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def address_of(host: str) -> Address | None:
    """The address that `host` spells, in any way a resolver reads without asking; else None.

    That includes `localhost`, 127.1 and 0x7f000001 (inet_aton), IPv6 in brackets or with a
    zone, IPv4 mapped into IPv6, and 0.0.0.0, which connects to the machine itself.
    """
    text = host.strip().removeprefix("[").removesuffix("]").partition("%")[0]
    name = text.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return _LOOPBACK
    address: Address
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if not re.fullmatch(r"[0-9a-fA-FxX.]+", text) or not text[0].isdigit():
            return None
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(text))
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return _LOOPBACK if address.is_unspecified else address
