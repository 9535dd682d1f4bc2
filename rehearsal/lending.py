"""A gateway that lets the master do what RDS lets its master do.

For a statement that stock PostgreSQL keeps for superusers (`master.LENT`) and for no other, the
attribute is lent: before the statement is handed on, until its answer is complete. The program
that sends it, the very function of production, knows nothing of that.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rehearsal.gateway import Gateway
from rehearsal.looping import Ends, either
from rehearsal.master import NOTICE, Server, is_lent
from rehearsal.tokens import Door
from strongroom.cluster.certificates import KeyPair

# PostgreSQL documentation, "Message Formats".
_QUERY, _READY = b"Q", b"Z"


class RdsGateway(Gateway):
    """Stands before one server whose master is to be like RDS's."""

    def __init__(
        self,
        door: Door,
        certificate: KeyPair,
        socket: Path,
        server: Server,
        port: int = 0,
    ) -> None:
        """Listens on nothing yet.

        Args:
            door: the endpoint that tokens are for, and whose tokens open it.
            certificate: of the host name in `door`.
            socket: the server's Unix socket.
            server: the one behind it.
            port: where it listens; 0 takes a free one.
        """
        super().__init__(
            door,
            certificate,
            socket,
            master=server.master,
            by_iam_only=server.by_iam_only,
            port=port,
        )
        self._lend = server.lend

    async def hand_on(self, user: str, client: Ends, server: Ends) -> None:
        """As before, but read what the master says."""
        if user != self._master:
            await super().hand_on(user, client, server)
            return
        session = _Session(self._lend)
        with closing(client[1]), closing(server[1]):
            try:
                await either(
                    session.ask(client[0], server[1]), session.answer(server[0], client[1])
                )
            finally:
                await session.end()


class _Session:
    """One session of the master."""

    def __init__(self, lend: Callable[[bool], None]) -> None:
        self._lend = lend
        self._lent = False
        #: Set while an answer belongs to what the gateway itself asked.
        self._own: asyncio.Event | None = None

    async def ask(self, client: StreamReader, server: StreamWriter) -> None:
        """Hand on what the client says."""
        while True:
            kind, content = await _message(client)
            if kind == _QUERY and is_lent(content.decode("utf-8", "replace")):
                await asyncio.to_thread(self._lend, True)
                self._lent = True
                answered = self._own = asyncio.Event()
                server.write(_framed(_QUERY, NOTICE.encode() + b"\0"))
                await server.drain()
                await answered.wait()
            server.write(_framed(kind, content))
            await server.drain()

    async def answer(self, server: StreamReader, client: StreamWriter) -> None:
        """Hand on what the server says."""
        while True:
            kind, content = await _message(server)
            if self._own is not None:
                if kind == _READY:
                    self._own.set()
                    self._own = None
                continue
            if kind == _READY and self._lent:
                await self.end()
            client.write(_framed(kind, content))
            await client.drain()

    async def end(self) -> None:
        """Take back what is lent."""
        if self._lent:
            self._lent = False
            await asyncio.to_thread(self._lend, False)


async def _message(reader: StreamReader) -> tuple[bytes, bytes]:
    kind, length = struct.unpack("!cI", await reader.readexactly(5))
    return kind, await reader.readexactly(length - 4)


def _framed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content
