"""Lambda: an invocation runs the very archive that was uploaded.

moto would run it in Docker, or answer without running anything. Here the archive is unpacked and
its handler called in a process of its own, with the function's own variables, Lambda's, and those
by which it finds the simulator and the proxy. Two things differ from AWS: this machine's Python
runs it, and compiled modules that were built for another one are left out of the archive, so that
those of the project's own environment, pinned to the same versions, stand in.

moto also forgets where a function logs to and where its failed events go; that is kept.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend

_RUNTIME = Path(__file__).with_name("runtime.py")
_TASK_ROOT = "/var/task"

# Parts of a function's configuration that moto takes and forgets, or never changes.
_FORGOTTEN = ("LoggingConfig", "DeadLetterConfig")
_NEVER_CHANGED = ("KMSKeyArn", "TracingConfig", "EphemeralStorage")


@dataclass(frozen=True)
class Invocation:
    """One run of a function.

    Attributes:
        function: its name.
        asked: the step or action, without anything else of the event.
        seconds: how long it took.
        failed: whether it ended with an error.
        log: what it wrote to standard output and error.
        error: the error's type and message.
    """

    function: str
    asked: str
    seconds: float
    failed: bool
    log: str
    error: str = ""


class Functions:
    """Runs functions for one simulator.

    Attributes:
        ran: every invocation, the oldest first.
        surroundings: variables a function finds besides its own.
    """

    def __init__(self, surroundings: Mapping[str, str]) -> None:
        self.ran: list[Invocation] = []
        self.surroundings = dict(surroundings)
        self._folder = Path(tempfile.mkdtemp(prefix="strongroom-functions-"))

    def remove(self) -> None:
        """Remove the unpacked archives."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, function: LambdaFunction, event: str) -> tuple[bool, bytes]:
        """Whether an invocation failed, and its answer."""
        code = self._unpacked(function.code_bytes)
        answer = Path(tempfile.mkstemp(dir=self._folder)[1])
        began = time.monotonic()
        limit = int(function.timeout)
        command = [sys.executable, "-I", _RUNTIME, code, function.handler or "", answer]
        try:
            done = subprocess.run(
                [str(part) for part in command],
                input=event or "{}",
                cwd=code,
                env=self._environment(function, code),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=limit,
                check=False,
            )
            log, said = done.stdout, answer.read_text()
            ended = json.loads(said) if said else _ended(f"exit code {done.returncode}", log)
        except subprocess.TimeoutExpired as error:
            log = (error.stdout or b"").decode("utf-8", "replace")
            ended = _ended(f"Task timed out after {limit}.00 seconds", log)
        finally:
            answer.unlink()
        took = time.monotonic() - began
        self.ran.append(_note(function, event, took, ended, log))
        return ended["failed"], ended["payload"].encode()

    def _unpacked(self, archive: bytes) -> Path:
        folder = self._folder / hashlib.sha256(archive).hexdigest()
        if not folder.exists():
            draft = Path(tempfile.mkdtemp(dir=self._folder))
            with zipfile.ZipFile(io.BytesIO(archive)) as packed:
                packed.extractall(draft)
            for package in _foreign(draft):
                shutil.rmtree(draft / package)
            try:
                draft.rename(folder)
            except OSError:  # another invocation was first
                shutil.rmtree(draft)
        return folder

    def _environment(self, function: LambdaFunction, code: Path) -> dict[str, str]:
        own = function.environment_vars or {}
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "AWS_LAMBDA_FUNCTION_NAME": str(function.function_name),
            "LAMBDA_TASK_ROOT": str(code),
            **self.surroundings,
            "AWS_REGION": str(function.region),
            "AWS_DEFAULT_REGION": str(function.region),
            # Where Lambda unpacks the archive, this machine has something else, or nothing.
            **{name: str(each).replace(_TASK_ROOT, str(code)) for name, each in own.items()},
        }


def _foreign(folder: Path) -> set[str]:
    """Packages in `folder` with modules that were compiled for another Python than this one."""
    mine = sysconfig.get_config_var("EXT_SUFFIX")
    compiled = (path for path in folder.rglob("*.cpython-*.so") if not path.name.endswith(mine))
    return {path.relative_to(folder).parts[0] for path in compiled}


def _ended(message: str, log: str) -> dict[str, Any]:
    told = {"errorMessage": f"{message}: {log[-1000:]}", "errorType": "Runtime.ExitError"}
    return {"failed": True, "payload": json.dumps(told)}


def _note(
    function: LambdaFunction, event: str, took: float, ended: dict[str, Any], log: str
) -> Invocation:
    asked = json.loads(event or "{}")
    what = asked.get("Step") or asked.get("Action") or "" if isinstance(asked, dict) else ""
    error = ""
    if ended["failed"]:
        told = json.loads(ended["payload"])
        error = f"{told['errorType']}: {told['errorMessage']}"
    return Invocation(
        str(function.function_name), str(what), round(took, 2), ended["failed"], log, error
    )


#: Who runs functions now; a simulator sets it.
running: list[Functions] = []


@cache
def install() -> None:
    """Have moto run functions by this, once in a process."""

    def invoke(
        self: LambdaSimpleBackend,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,  # noqa: ARG001 - moto's signature
        response_headers: Any,
    ) -> bytes:
        function = self.get_function(function_name, qualifier)
        text = body.decode() if isinstance(body, bytes) else str(body or "")
        failed, payload = running[-1].run(function, text)
        if failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        log = base64.b64encode(running[-1].ran[-1].log[-4096:].encode())
        response_headers["x-amz-log-result"] = log.decode()
        return payload

    setattr(LambdaSimpleBackend, "invoke", invoke)  # noqa: B010 - mypy takes no other way
    _keep_settings()


def _keep_settings() -> None:
    """Have moto keep what it forgets of a function's configuration."""
    init, told = LambdaFunction.__init__, LambdaFunction.get_configuration
    update = LambdaFunction.update_configuration

    def initialised(self: Any, account_id: str, spec: Any, *given: Any, **named: Any) -> None:
        init(self, account_id, spec, *given, **named)
        self.kept = {name: spec[name] for name in _FORGOTTEN if name in spec}

    def configuration(self: Any, *given: Any, **named: Any) -> dict[str, Any]:
        return {**told(self, *given, **named), **self.kept}

    def updated(self: Any, config_updates: Any) -> dict[str, Any]:
        named = (*_FORGOTTEN, *_NEVER_CHANGED)
        self.kept |= {name: config_updates[name] for name in named if name in config_updates}
        return update(self, config_updates)

    for name, function in (
        ("__init__", initialised),
        ("get_configuration", configuration),
        ("update_configuration", updated),
    ):
        setattr(LambdaFunction, name, function)
