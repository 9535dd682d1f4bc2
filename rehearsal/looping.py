"""A server of a rehearsal: on the loopback address, in a thread of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine
from contextlib import closing, suppress
from types import TracebackType
from typing import Any, Self

from strongroom.cluster.configuration import LOOPBACK

#: What goes wrong on a connection of somebody who may leave at any moment.
GONE = (OSError, asyncio.IncompleteReadError)

#: What is read from a connection, and written to it.
Ends = tuple[StreamReader, StreamWriter]

_CHUNK = 65536


class LoopbackServer(ABC):
    """Listens from entering its `with` block until leaving it."""

    def __init__(self, port: int = 0) -> None:
        """Listens on nothing yet.

        Args:
            port: where to, 1 to 65535; 0 takes a free one.
        """
        self._wanted = port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        if self._server is None:
            return self._wanted
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._handled, LOOPBACK, self._wanted)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @abstractmethod
    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection, which is closed afterwards."""

    async def _handled(self, reader: StreamReader, writer: StreamWriter) -> None:
        # Cancelled is what the end of the server is to a session.
        with closing(writer), suppress(*GONE, asyncio.CancelledError):
            await self.handle(reader, writer)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Transports close at the loop's next turn.
        await asyncio.sleep(0)
        await self._loop.shutdown_asyncgens()


async def join(one: Ends, other: Ends) -> None:
    """Hand on what either side says until one of them has nothing more to say."""
    (first, to_first), (second, to_second) = one, other
    with closing(to_first), closing(to_second):
        await either(_pump(first, to_second), _pump(second, to_first))


async def either(*ways: Coroutine[Any, Any, None]) -> None:
    """Run all of them until one ends; a connection that is gone is no error."""
    tasks = [asyncio.create_task(way) for way in ways]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    with suppress(*GONE):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
