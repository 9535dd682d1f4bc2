"""A SOCKS5 proxy that knows the host names of a rehearsal, and reaches nothing else.

Stands for the way into a private network: what a program would reach in a VPC by its host name is
a port of this machine here. The name is resolved by the proxy alone (RFC 1928, RFC 1929).
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import closing
from ipaddress import ip_address

from rehearsal.looping import LoopbackServer, join
from strongroom.cluster.configuration import LOOPBACK

_VERSION = 5
_NO_SIGN_IN, _PASSWORD, _NONE_FITS = 0, 2, 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_DONE, _UNREACHABLE, _REFUSED, _NO_SUCH_COMMAND = 0, 4, 5, 7

#: How many bytes of address follow each type.
_LENGTHS: Mapping[int, int] = {_IPV4: 4, _IPV6: 16}


class Socks(LoopbackServer):
    """The proxy.

    Attributes:
        routes: by host name, in lower case, and port: the port of this machine that stands for
            it. May be added to while the proxy listens.
        asked: every host and port that a client asked for, the oldest first.
    """

    def __init__(
        self,
        routes: Mapping[tuple[str, int], int] | None = None,
        *,
        username: str = "",
        password: str = "",
        port: int = 0,
    ) -> None:
        """Listens on nothing yet.

        Args:
            routes: host name and port to a port of this machine.
            username: who clients sign in as; empty lets everybody in.
            password: what they sign in with.
            port: where it listens; 0 takes a free one.
        """
        super().__init__(port)
        self.routes = {(host.lower(), at): to for (host, at), to in (routes or {}).items()}
        self.asked: list[tuple[str, int]] = []
        self._username, self._password = username.encode(), password.encode()

    @property
    def url(self) -> str:
        """The value of ALL_PROXY by which clients find it."""
        who = f"{self._username.decode()}:{self._password.decode()}@" if self._username else ""
        return f"socks5://{who}{LOOPBACK}:{self.port}"

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One client: sign in, then one CONNECT."""
        if not await self._let_in(reader, writer):
            return
        _, command, _, kind = await reader.readexactly(4)
        host = await _host(reader, kind)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append((host, port))
        if command != _CONNECT:
            await _answer(writer, _NO_SUCH_COMMAND)
            return
        to = self.routes.get((host.lower(), port))
        if to is None:
            await _answer(writer, _UNREACHABLE)
            return
        try:
            behind = await asyncio.open_connection(LOOPBACK, to)
        except OSError:
            await _answer(writer, _REFUSED)
            return
        with closing(behind[1]):
            await _answer(writer, _DONE)
            await join((reader, writer), behind)

    async def _let_in(self, reader: StreamReader, writer: StreamWriter) -> bool:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        method = _PASSWORD if self._username else _NO_SIGN_IN
        if method not in offered:
            writer.write(bytes([_VERSION, _NONE_FITS]))
            await writer.drain()
            return False
        writer.write(bytes([_VERSION, method]))
        await writer.drain()
        if method == _NO_SIGN_IN:
            return True
        await reader.readexactly(1)
        given = [await _counted(reader), await _counted(reader)]
        right = given == [self._username, self._password]
        writer.write(bytes([1, 0 if right else 1]))
        await writer.drain()
        return right


async def _host(reader: StreamReader, kind: int) -> str:
    if kind == _NAME:
        return (await _counted(reader)).decode("ascii", "replace")
    return str(ip_address(await reader.readexactly(_LENGTHS.get(kind, 4))))


async def _counted(reader: StreamReader) -> bytes:
    (length,) = await reader.readexactly(1)
    return await reader.readexactly(length)


async def _answer(writer: StreamWriter, reply: int) -> None:
    """The address it is bound to is of no use to anybody."""
    writer.write(bytes([_VERSION, reply, 0, _IPV4, 0, 0, 0, 0, 0, 0]))
    await writer.drain()
