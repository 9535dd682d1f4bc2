"""Servers on this machine for a test: tunnels as `ssh -L` makes them, and whatever else answers."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

from strongroom.cluster.configuration import LOOPBACK

Handler = Callable[[socket.socket], None]


@contextmanager
def tunnel_to(port: int) -> Iterator[int]:
    """A tunnel to a port of this machine; gives its own port."""
    with closing(socket.create_server((LOOPBACK, 0))) as listening:
        serve(listening, forwarding(port))
        yield listening.getsockname()[1]


def serve(listening: socket.socket, handle: Handler) -> None:
    """Handle each connection in a thread of its own, until the socket is closed."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listening.accept()
                threading.Thread(target=handle, args=(accepted,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def forwarding(port: int) -> Handler:
    """What a tunnel does with a connection."""

    def handle(accepted: socket.socket) -> None:
        with accepted, socket.create_connection((LOOPBACK, port)) as behind:
            back = threading.Thread(target=_pump, args=(behind, accepted), daemon=True)
            back.start()
            _pump(accepted, behind)
            back.join()

    return handle


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
