"""What the program starts from: the declaration of its stack, and the platforms there are."""

import atexit
import gc
import json
import linecache
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

import pulumi

from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError


class _Platforms(Mapping[str, ModuleType]):
    """The platforms by name; one that is not used costs no time: AWS's SDK is large."""

    _NAMES = ("local", "aws")

    def __getitem__(self, name: str) -> ModuleType:
        if name not in self._NAMES:
            raise KeyError(name)
        return import_module(f"components.{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._NAMES)

    def __len__(self) -> int:
        return len(self._NAMES)


PLATFORMS = _Platforms()


def declared() -> Declaration:
    """Everything the files and the configuration of this stack declare.

    Raises:
        pulumi.RunError: a mistake in them, told without a traceback.
    """
    _hasten()
    try:
        values = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
        stack = Declaration.load(pulumi.get_stack(), values)
    except StrongroomError as error:
        raise pulumi.RunError(str(error)) from error
    for warning in stack.warnings:
        pulumi.warn(warning)
    return stack


def _hasten() -> None:
    """Leave out what a program with 1,000 people waits for and nobody reads.

    For each resource the SDK sends the engine five lines of debugging, and waits for an answer to
    each, and asks the system whether any of the files it was called through has changed; Python
    looks again and again, and once more at the end, for cycles among promises that are needed
    until then. Together they were 3.3 of 12.7 seconds of processor time. STRONGROOM_DEBUG=1 brings
    the lines back.
    """
    gc.disable()
    atexit.register(gc.freeze)
    linecache.checkcache = lambda *_, **__: None
    if not os.environ.get("STRONGROOM_DEBUG"):
        pulumi.log.debug = lambda *_, **__: None


class Server(Protocol):
    """What listens somewhere."""

    host: pulumi.Output[str]
    port: pulumi.Output[int]


def export(
    servers: Mapping[str, Server], outputs: Mapping[str, pulumi.Input[Any]], last: pulumi.Resource
) -> None:
    """Export the stack's outputs when everything has been registered.

    The SDK waits for a program's resources by itself, but looks at every outstanding output of all
    of them again whenever one resolves (`pulumi.runtime.stack.wait_for_rpcs`): with 1,000 engineers
    that took half of a preview. Waiting for the last one first leaves it nothing to look at.

    Args:
        servers: by name; their addresses are exported.
        outputs: what else is, by name.
        last: the resource that waits for all others.
    """
    addresses = {
        name: pulumi.Output.format("{0}:{1}", each.host, each.port)
        for name, each in servers.items()
    }

    async def program() -> Mapping[str, pulumi.Input[Any]]:
        with suppress(Exception):  # what failed is reported by the SDK, with its reason
            await last.urn.future()
        return {**addresses, **outputs}

    pulumi.run(program)
