"""A port of this machine that leads through a SOCKS proxy: libpq speaks no SOCKS itself.

What goes through is encrypted by libpq and the server, end to end. The port is there for the
sessions that began while it was held, and for requests to cancel what they do; with the last of
them it goes.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

from strongroom.cluster.configuration import LOOPBACK
from strongroom.reach.proxy import Proxy

_CHUNK = 65536


class Forwarder:
    """Leads to one host, as long as it is held, and then as long as a session lasts."""

    def __init__(self, proxy: Proxy, host: str, port: int, seconds: float | None) -> None:
        """Reach the host once, so that what is wrong with the way is told by who asked.

        Args:
            proxy: the way.
            host: a name, which the proxy resolves, or an address.
            port: TCP port, 1 to 65535.
            seconds: until an attempt is given up; None waits as long as the system does.

        Raises:
            psycopg.OperationalError: the host cannot be reached.
        """
        self._way = (host, port, seconds)
        self._proxy = proxy
        self._lock = threading.Lock()
        self._using, self._held = 0, True
        self._first: socket.socket | None = proxy.dial(host, port, seconds)
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, name="strongroom-reach", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._held = False
            first, self._first = self._first, None
        if first is not None:
            first.close()
        self._close_when_unused()

    def _accept(self) -> None:
        with self._listening, suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                with self._lock:
                    self._using += 1
                serving = threading.Thread(target=self._serve, args=(accepted,), daemon=True)
                serving.start()

    def _serve(self, accepted: socket.socket) -> None:
        with accepted, suppress(psycopg.OperationalError), self._beyond() as beyond:
            back = threading.Thread(target=_pump, args=(beyond, accepted), daemon=True)
            back.start()
            _pump(accepted, beyond)
            back.join()
        with self._lock:
            self._using -= 1
        self._close_when_unused()

    def _beyond(self) -> socket.socket:
        with self._lock:
            first, self._first = self._first, None
        return first or self._proxy.dial(*self._way)

    def _close_when_unused(self) -> None:
        with self._lock:
            unused = not self._held and self._using == 0
        if unused:
            with suppress(OSError):
                # Unlike closing, this wakes who waits for a connection.
                self._listening.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what comes until one side ends, which ends both: libpq closes no half."""
    with suppress(OSError):
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    for side in (source, sink):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
