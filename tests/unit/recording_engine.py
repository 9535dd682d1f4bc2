"""An engine that makes nothing and notes everything a program registers, options included."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pulumi
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs

#: What the real plugins would answer beside the inputs.
_OUTPUTS: dict[str, dict[str, Any]] = {
    "strongroom:local:Primary": {
        "host": "127.0.0.1",
        "port": 15432,
        "caCertificate": "/s/ca/ca.crt",
        "provisioner": "provisioner",
        "provisionerCertificate": "/s/provisioner/provisioner.crt",
        "provisionerKey": "/s/provisioner/provisioner.key",
    },
    "strongroom:local:Replica": {"host": "127.0.0.1", "port": 15433, "slot": "replica"},
    "strongroom:local:SnapshotPolicy": {"newest": "20260101T000000.000Z"},
    "strongroom:local:RootSecret": {"rotatedAt": "2026-01-01T00:00:00+00:00"},
    "strongroom:aws:Lasting": {"suffix": "0a1b2c3d"},
}


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    urn: str
    request: Any
    inputs: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.request.type)

    @property
    def name(self) -> str:
        return str(self.request.name)


class Answers(mocks.Mocks):
    """Every resource has what it was given, and what the table above says."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        raise AssertionError(f"{args.token} is called: a program of ours asks nothing")

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, **_OUTPUTS.get(args.typ, {})}


class Recording(MockMonitor):
    """The registrations in the order they came in, and the exports."""

    def __init__(self, answers: mocks.Mocks) -> None:
        super().__init__(answers)
        self.registered: list[Registered] = []
        self.outputs: dict[str, dict[str, Any]] = {}
        self.exports: set[str] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - as gRPC has it
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        inputs = rpc.deserialize_properties(request.object)
        self.registered.append(Registered(response.urn, request, inputs))
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - as gRPC has it
        self.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def of_type(self, kind: str) -> list[Registered]:
        return [one for one in self.registered if one.type == kind]

    def named(self, name: str) -> Registered:
        (found,) = [one for one in self.registered if one.name == name]
        return found

    def children(self, urn: str) -> Iterator[Registered]:
        return (one for one in self.registered if one.request.parent == urn)


def run(
    program: Callable[[], None],
    stack: str = "local",
    answers: mocks.Mocks | None = None,
    preview: bool = False,
) -> Recording:
    """Run a program to its end, with everything that hangs on outputs.

    Args:
        program: what registers resources.
        stack: the stack's name.
        answers: what the plugins would answer.
        preview: whether this is a preview, in which what `answers` leaves out is not known yet.
    """
    answers = answers or Answers()
    recording = Recording(answers)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    async def whole() -> None:
        entries: list[Callable[[], Awaitable[Mapping[str, Any]]]] = []
        # The SDK takes an asynchronous entry only from a program that the engine has started.
        with patch.object(pulumi, "run", entries.append):
            program()
        for entry in entries:
            recording.exports |= set(await entry())

    with _loops_closed() as loop:
        settings.set_root_resource(None)  # type: ignore[arg-type]
        mocks.set_mocks(answers, "strongroom", stack, preview=preview, monitor=recording)
        whole()
        # The SDK's threads are done when this is, and make no loops any more.
        loop.run_until_complete(loop.shutdown_default_executor())
    return recording


@contextmanager
def _loops_closed() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that is closed at the end, as is every one the SDK makes in its threads."""
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def noted() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    with patch.object(asyncio, "new_event_loop", noted):
        loop = noted()
        asyncio.set_event_loop(loop)
        try:
            yield loop
        finally:
            asyncio.set_event_loop(None)
            for one in made:
                one.close()
