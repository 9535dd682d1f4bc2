"""A call of AWS's API as it comes in over HTTP, and what may answer it."""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Credential=KEY/DATE/REGION/SERVICE/aws4_request (AWS documentation, "Signature Version 4").
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_INSTANCE = re.compile(rb"(?:^|&)DBInstanceIdentifier=([\w-]+)")


@dataclass(frozen=True)
class Scope:
    """Where a request is addressed to.

    Attributes:
        region: AWS region.
        service: the name a request is signed for, such as ``backup``.
        key: id of the access key that signed it.
    """

    region: str = ""
    service: str = ""
    key: str = ""

    @classmethod
    def of(cls, environ: Environ) -> "Scope":
        """By its signature; empty for a request without one."""
        found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        return cls(found[2], found[3], found[1]) if found else cls()


@dataclass(frozen=True)
class Call:
    """A request of a service that speaks JSON by paths.

    Attributes:
        scope: where it is addressed to.
        account: the account's number.
        method: GET, PUT, POST or DELETE.
        path: without a slash at its end, decoded.
        body: what was sent.
        query: what stands behind the path.
    """

    scope: Scope
    account: str
    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    query: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, environ: Environ, scope: Scope, account: str) -> "Call":
        """What a request asks for."""
        raw = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
        content = body(environ)
        return cls(
            scope,
            account,
            environ["REQUEST_METHOD"],
            unquote(raw).rstrip("/"),
            json.loads(content) if content else {},
            parse_qs(environ.get("QUERY_STRING", "")),
        )


class RefusedError(Exception):
    """An error as AWS answers it: the name of its type, a sentence, and an HTTP status."""

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status


def body(environ: Environ) -> bytes:
    """The request's content, which stays there to be read again."""
    if environ.get("HTTP_TRANSFER_ENCODING") == "chunked":
        return b""
    content: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(content)
    return content


def replace_body(environ: Environ, content: bytes) -> None:
    """Put another content into a request."""
    environ.update({"CONTENT_LENGTH": str(len(content)), "wsgi.input": BytesIO(content)})


def reply(
    start: StartResponse,
    content: bytes,
    status: int = 200,
    *,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> list[bytes]:
    """Answer a request."""
    lines = {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}
    start(f"{status} {'OK' if status < 300 else 'Refused'}", list(lines.items()))
    return [content]


def refusal(start: StartResponse, error: RefusedError) -> list[bytes]:
    """Answer a request with an error, by AWS's JSON protocols."""
    content = json.dumps({"__type": error.kind, "message": error.message}).encode()
    return reply(start, content, error.status, headers={"x-amzn-ErrorType": error.kind})


def fault(environ: Environ, start: StartResponse, error: Exception) -> list[bytes]:
    """Answer a request that the simulator failed at, by the caller's protocol."""
    told = f"the simulator failed: {type(error).__name__}: {error}"
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return refusal(start, RefusedError("SimulatorFault", told, 500))
    code = "<Code>SimulatorFault</Code>"
    text = f"<ErrorResponse><Error>{code}<Message>{escape(told)}</Message></Error></ErrorResponse>"
    return reply(start, text.encode(), 500, kind="text/xml")


@dataclass(frozen=True)
class Seen:
    """A call that was made.

    Attributes:
        at: when, seconds since the epoch.
        service: the service's name.
        operation: what was asked for: an action, or method and path.
        status: the HTTP status of the answer.
        reason: the answer, when it was an error.
        instance: the database instance it is about, where it says so.
    """

    at: float
    service: str
    operation: str
    status: int
    reason: str = ""
    instance: str = ""

    @property
    def lacking(self) -> bool:
        """Whether the simulator, and not the caller, is at fault."""
        return self.status >= 500


def operation(environ: Environ) -> str:
    """What a request asks for, in the words of its protocol."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    path = str(environ["PATH_INFO"])
    if "/operation/" in path:
        return path.rpartition("/")[2]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        found = _ACTION.search(body(environ))
        if found:
            return found[1].decode()
    return f"{environ['REQUEST_METHOD']} {path}"


def instance(environ: Environ) -> str:
    """The database instance a request is about; empty when it names none."""
    found = _INSTANCE.search(body(environ))
    return found[1].decode() if found else ""


def seen(scope: Scope, what: str, status: str, content: bytes, about: str = "") -> Seen:
    """A note of a call; of an error it keeps the beginning of the answer."""
    number = int(status.split(maxsplit=1)[0])
    reason = content[:500].decode("utf-8", "replace") if number >= 400 else ""
    return Seen(time.time(), scope.service, what, number, reason, about)
