"""The simulator: moto's server with Strongroom's extension before it.

moto has every service the stacks use, but not everything the provider asks of it. What is added
stands in a module for each service: `cloudwatch` (a protocol), `backup` (the whole service),
`rds`, `functions` (a function's own code is run), `logs`, `secrets`, `ec2`. Nothing of this changes
what the program declares or the provider sends.
"""

import json
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from moto.core.config import default_user_config
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from rehearsal.simulator import cloudwatch, ec2, functions, logs, rds, secrets
from rehearsal.simulator.backup import Backup
from rehearsal.simulator.calls import (
    Application,
    Call,
    Environ,
    RefusedError,
    Scope,
    Seen,
    StartResponse,
    fault,
    instance,
    operation,
    refusal,
    reply,
    seen,
)
from strongroom.cluster.configuration import LOOPBACK

#: The account that answers, unless a stack allows another one only.
ACCOUNT = "123456789012"


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's word
        """Calls are kept in `Simulator.calls` instead."""


class Simulator:
    """AWS on this machine, from entering its `with` block until leaving it.

    moto keeps what it was told in the process, so a process has one of these at a time.

    Attributes:
        account: the number of the one account there is.
        calls: every call that was made, the oldest first.
        functions: what runs functions, and what ran.
    """

    def __init__(
        self, account: str = ACCOUNT, *, servers: rds.Listener | None = None, port: int = 0
    ) -> None:
        """Listens on nothing yet.

        Args:
            account: the account's number.
            servers: who stands for the servers behind database instances; None for nobody.
            port: where it listens; 0 takes a free one.
        """
        self.account = account
        self.calls: list[Seen] = []
        self.functions = functions.Functions({})
        self._port = port
        self._servers = [servers] if servers else []
        self._backup = Backup()
        self._moto: Application = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The value of AWS_ENDPOINT_URL by which clients find it."""
        port = self._server.port if self._server else self._port
        return f"http://{LOOPBACK}:{port}"

    def __enter__(self) -> Self:
        default_user_config["lambda"]["use_docker"] = False
        default_user_config["iam"]["load_aws_managed_policies"] = True
        for extension in (ec2, rds, functions, logs, secrets):
            extension.install()
        # What an earlier one in this process was told is nothing to this one.
        moto_api_backend.reset()
        self._server = make_server(
            LOOPBACK, self._port, self, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.functions.surroundings |= self.environment("")
        functions.running.append(self.functions)
        rds.listeners.extend(self._servers)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join(10)
            self._server.server_close()
            functions.running.remove(self.functions)
            rds.listeners.clear()
            self.functions.remove()

    def environment(self, region: str) -> dict[str, str]:
        """The variables by which AWS's tools and SDKs work on it; its keys open nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
            "NO_PROXY": LOOPBACK,
        }

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        scope = Scope.of(environ)
        what, about = operation(environ), instance(environ) if scope.service == "rds" else ""
        status: list[str] = []

        def noting(line: str, headers: Any, *rest: Any) -> Any:
            status.append(line)
            # The provider tries a 5xx again for half an hour, which looks like a hang.
            return start("400 Bad Request" if line.startswith("5") else line, headers, *rest)

        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.account
        try:
            content = b"".join(self._answer(environ, scope, noting))
        except Exception as error:  # noqa: BLE001 - a fault of the simulator, told as one
            content = b"".join(fault(environ, noting, error))
        self.calls.append(seen(scope, what, status[-1], content, about))
        return [content]

    def _answer(self, environ: Environ, scope: Scope, start: StartResponse) -> Iterable[bytes]:
        try:
            if scope.service == "backup":
                found = self._backup.answer(Call.of(environ, scope, self.account))
                return reply(start, json.dumps(found).encode())
            if cloudwatch.speaks(environ):
                return cloudwatch.answer(environ, start, self._moto)
            return self._moto(environ, start)
        except RefusedError as error:
            return refusal(start, error)
