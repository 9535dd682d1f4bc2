"""Processes that outlive an engine that was killed: the program and its language host.

The project's own plugins notice that the engine is gone and end by themselves. These two may
wait for its answer for minutes or for ever, and hold on to the terminal meanwhile.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_NAMES = ("pulumi-language-python", "pulumi-language-python-exec")
# Seconds such a process gets to end before it is made to.
_PATIENCE = 3.0


def end_orphans(checkout: Path) -> list[int]:
    """End what killed engines left behind of the program in `checkout`.

    Only a process of that folder whose engine's address, which stands in its arguments, has
    nobody listening any more; so never one of an engine at work.

    Returns:
        The ids of the processes that were ended.
    """
    orphans = list(_orphans(checkout))
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.terminate()
    _, stubborn = psutil.wait_procs(orphans, timeout=_PATIENCE)
    for orphan in stubborn:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    return [orphan.pid for orphan in orphans]


def _orphans(checkout: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            arguments = process.cmdline()
            mine = any(Path(argument).name in _NAMES for argument in arguments[:2])
            if mine and Path(process.cwd()) == checkout and not _answers(arguments):
                yield process


def _answers(arguments: list[str]) -> bool:
    """Whether somebody listens at the engine's address in `arguments`; if in doubt, yes."""
    joined = " ".join(arguments)
    address = re.search(r"--engine 127\.0\.0\.1:(\d+)", joined) or re.search(
        r" 127\.0\.0\.1:(\d+)", joined
    )
    if address is None:
        return True
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", int(address[1]))) == 0
