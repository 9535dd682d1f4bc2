"""A web server that stands for Slack."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: The part of a webhook's URL that nobody may see.
SECRET = "T0/B0/very-secret-path"


class Hook(ThreadingHTTPServer):
    """A webhook that answers with each status in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self, *statuses: int, slow: float = 0) -> None:
        self.statuses, self.slow = list(statuses), slow
        self.received: list[tuple[str, str, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.received.append((self.command, self.path, body))
        time.sleep(self.server.slow)
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""
