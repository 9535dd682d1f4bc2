"""CloudWatch over Smithy RPC v2 CBOR, which newer SDKs speak and moto does not.

A call is handed to moto as JSON, which CloudWatch speaks as well, and the answer back as CBOR,
where the service's model says which numbers are times.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
import cbor2
from botocore.model import Shape

from rehearsal.simulator.calls import (
    Application,
    Environ,
    StartResponse,
    body,
    replace_body,
    reply,
)

_TARGET = "GraniteServiceVersion20100801"


def speaks(environ: Environ) -> bool:
    """Whether a request is one of these."""
    return str(environ["PATH_INFO"]).startswith(f"/service/{_TARGET}/operation/")


def answer(environ: Environ, start: StartResponse, moto: Application) -> Iterable[bytes]:
    """Answer one by way of moto."""
    operation = environ["PATH_INFO"].rpartition("/")[2]
    content = body(environ)
    asked = cbor2.loads(content) if content else {}
    replace_body(environ, json.dumps(asked, default=datetime.timestamp).encode())
    environ.update(
        {
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "REQUEST_URI": "/",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "HTTP_X_AMZ_TARGET": f"{_TARGET}.{operation}",
        }
    )
    status: list[str] = []
    answered = b"".join(moto(environ, lambda line, *_: status.append(line)))
    said = json.loads(answered or b"{}")
    number = int(status[-1].split()[0])
    shape = _output(operation) if number < 300 else None
    content = cbor2.dumps(_typed(said, shape), datetime_as_timestamp=True)
    return reply(
        start, content, number, kind="application/cbor", headers={"smithy-protocol": "rpc-v2-cbor"}
    )


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("cloudwatch")


def _output(operation: str) -> Shape | None:
    shape: Shape | None = _model().operation_model(operation).output_shape
    return shape


def _typed(value: Any, shape: Any) -> Any:
    """What was said in JSON, with times as times."""
    if shape is None or value is None:
        return value
    if shape.type_name == "timestamp":
        return _time(value)
    if shape.type_name == "double":
        return float(value)
    if shape.type_name == "list":
        return [_typed(each, shape.member) for each in value]
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {key: _typed(each, members.get(key)) for key, each in value.items()}
    return value


def _time(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)
