"""AWS as far as the function and who calls it see it: Lambda runs the packed archive, for real.

Lambda's API is answered here, by a process of its own for each call that finds nothing but the
unpacked archive and what Lambda's runtime has by itself (boto3). Secrets Manager's API is answered
by moto, in the process of the test.
"""

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3

from strongroom.packing import Packing, Target
from strongroom.packing.modules import HANDLER
from strongroom.packing.packing import AUTHORITIES

CHECKOUT = Path(__file__).parents[2]

#: What Lambda's runtime for Python has by itself.
_RUNTIME = (*("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py"),)

_RUN = """
import importlib, json, sys
sys.path[:0] = sys.argv[1:3]
module, _, name = sys.argv[3].rpartition(".")
class Context:
    invoked_function_arn = sys.argv[4]
try:
    said = getattr(importlib.import_module(module), name)(json.load(sys.stdin), Context())
    failed = False
except Exception as error:
    said, failed = {"errorMessage": str(error), "errorType": type(error).__name__}, True
loaded = sorted(each.__file__ or "" for each in sys.modules.values()
                if each.__name__.startswith(("strongroom", "psycopg")))
print(json.dumps([said, failed, loaded]))
"""


@dataclass
class Lambda:
    """One function, packed from this checkout for the Python that runs the tests.

    Attributes:
        folder: where it is unpacked.
        told: its environment variables.
        calls: what it was asked, by name or alias, and what it answered.
        loaded: the files of Strongroom and psycopg that the last call loaded.
    """

    folder: Path
    told: Mapping[str, str]
    calls: list[tuple[str, Any, Any]] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def invoke(self, name: str, event: bytes) -> tuple[Any, bool]:
        """The answer, and whether it failed."""
        arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
        runtime = self.folder.parent / "runtime"
        command = [sys.executable, "-I", "-S", "-c", _RUN]
        done = subprocess.run(
            [*command, str(self.folder), str(runtime), HANDLER, arn],
            input=event,
            env={**self.told, "AWS_DEFAULT_REGION": "eu-west-1"},
            capture_output=True,
            check=True,
        )
        said, failed, self.loaded = json.loads(done.stdout)
        self.calls.append((name, json.loads(event), said))
        return said, failed


def unpacked(folder: Path, authorities: Path) -> Path:
    """The archive, unpacked as Lambda does."""
    target = Target(f"{sys.version_info.major}.{sys.version_info.minor}", "x86_64")
    packed = Packing(CHECKOUT, "eu-west-1", str(authorities), target).pack()
    with zipfile.ZipFile(CHECKOUT / packed.path) as archive:
        archive.extractall(folder / "task")
    (folder / "runtime").mkdir()
    site = Path(boto3.__file__).parents[1]
    for name in _RUNTIME:
        (folder / "runtime" / name).symlink_to(site / name)
    assert (folder / "task" / AUTHORITIES).read_bytes() == authorities.read_bytes()
    return folder / "task"


@contextmanager
def serving(function: Lambda, secrets: Any) -> Iterator[str]:
    """Answer the API until the end of the block; gives its URL."""

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if target := self.headers.get("X-Amz-Target"):
                self._secrets(target.rpartition(".")[2], json.loads(body))
                return
            said, failed = function.invoke(unquote(self.path.split("/")[3]), body)
            self._answer(200, said, {"X-Amz-Function-Error": "Unhandled"} if failed else {})

        def _secrets(self, call: str, request: dict[str, Any]) -> None:
            try:
                said = secrets._make_api_call(call, request)
                said.pop("ResponseMetadata")
                self._answer(200, said, {})
            except secrets.exceptions.ClientError as error:
                told = error.response["Error"]
                self._answer(400, {"__type": told["Code"], "message": told["Message"]}, {})

        def _answer(self, code: int, said: Any, headers: dict[str, str]) -> None:
            content = json.dumps(said, default=datetime.timestamp).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
