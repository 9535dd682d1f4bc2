"""Running a command of a rehearsal, and what it said."""

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """How a command ended.

    Attributes:
        command: what was run, without its options.
        code: its exit code.
        output: everything it printed.
        seconds: how long it took.
    """

    command: str
    code: int
    output: str
    seconds: float

    @property
    def changes(self) -> str:
        """The summary the engine prints last, a line each."""
        lines = self.output.rpartition("Resources:")[2].splitlines()
        return ", ".join(line.strip() for line in lines[1:] if line.startswith("    "))

    @property
    def problems(self) -> tuple[str, ...]:
        """What it complained of, a line each and each once."""
        told = self.output.rpartition("Diagnostics:")[2].partition("\nResources:")[0]
        lines = (line.strip().removeprefix("error: ") for line in told.splitlines())
        return tuple(dict.fromkeys(line for line in lines if not _SAYS_NOTHING.fullmatch(line)))


#: Lines of a failure that tell nobody why.
_SAYS_NOTHING = re.compile(
    r"|(update|preview|destroy) failed|\d+ errors? occurred:|warning: using pulumi-.*"
    r"|[\w:/]+ \([\w./-]+\):"  # whom the next lines are about
)


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    hear: Callable[[str], None],
    limit: float,
) -> Run:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        environment: what it runs in.
        hear: is told each line it prints.
        limit: seconds after which it is ended.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        for line in process.stdout or ():
            lines.append(line)
            hear(line.rstrip())
            if time.monotonic() - began > limit:
                process.terminate()
        code = process.wait(60)
    except BaseException:
        # The engine would wait for what it has begun, and nothing of it is to stay.
        process.kill()
        process.wait(10)
        raise
    finally:
        if process.stdout:
            process.stdout.close()
    return Run(" ".join(command[:2]), code, "".join(lines), round(time.monotonic() - began, 1))
