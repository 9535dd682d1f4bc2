"""The processes of a scratch stack, told by what stands in their environment or where they work."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

#: Names the Strongroom home a process works for; every process hands it on to those it starts.
MARK = "STRONGROOM_HOME"
# Seconds a process gets to end in order.
_PATIENCE = 10.0


def of(base: Path) -> list[psutil.Process]:
    """Every process that works below a folder or for the Strongroom home in it, but this one."""
    return [
        each for each in psutil.process_iter() if each.pid != os.getpid() and _belongs(each, base)
    ]


def end_all(base: Path) -> None:
    """End every process of a folder; servers at once, but so that they let go of shared memory."""
    for _ in range(5):  # what one of them started meanwhile ends with the next round
        running = of(base)
        if not running:
            return
        for process in running:
            with suppress(psutil.Error):
                server = process.name() == "postgres"
                process.send_signal(signal.SIGQUIT if server else signal.SIGTERM)
        _, stubborn = psutil.wait_procs(running, timeout=_PATIENCE)
        for process in stubborn:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _belongs(process: psutil.Process, base: Path) -> bool:
    """By its environment; a server's children overwrite theirs, but work in its data folder."""
    places = []
    with suppress(psutil.Error):
        places.append(process.environ().get(MARK, ""))
    with suppress(psutil.Error):
        places.append(process.cwd())
    return any(Path(place).is_relative_to(base) for place in places if place)
