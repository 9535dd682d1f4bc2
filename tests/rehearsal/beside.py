"""The rehearsal that runs beside all other tests, since it does little but wait.

`make test` starts it with the first of them, and the test that judges it comes last.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
STACK = "development"

#: Names the folder of the rehearsal that was started beside the tests.
MARK = "STRONGROOM_REHEARSED_IN"

_LIMIT = 1200


@dataclass(frozen=True)
class Beside:
    """A rehearsal under way.

    Attributes:
        folder: where report, output and, at its end, the exit code are.
        process: what runs it.
    """

    folder: Path
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, plugin: str) -> "Beside":
        """Start one with the aws plugin in the folder `plugin`."""
        folder = Path(tempfile.mkdtemp(prefix="strongroom-rehearsed-"))
        inside = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
        command = [sys.executable, "-m", "rehearsal", STACK, "--no-checkov"]
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                [*command, "--report", str(folder), "--in", inside],
                cwd=CHECKOUT,
                env={**os.environ, "PATH": os.pathsep.join([plugin, os.environ["PATH"]])},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return cls(folder, process)

    def end(self) -> None:
        """Have it end, and take down what it set up, whatever became of it."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(120)


def plugin_at_hand() -> str:
    """The folder of the aws plugin; empty where there is none and none is asked for."""
    wanted = os.environ.get("STRONGROOM_REHEARSE") == "1"
    command = [str(CHECKOUT / "toolchain" / "aws.sh"), *([] if wanted else ["--at-hand"])]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode and wanted:
        raise RuntimeError(found.stderr)
    return found.stdout.strip()


def ended(folder: Path) -> str:
    """Wait until a rehearsal has written its report; returns what it printed."""
    deadline = time.monotonic() + _LIMIT
    report, output = folder / f"rehearsal-{STACK}.html", folder / "output"
    while not report.exists():
        lines = output.read_text(errors="replace")
        if time.monotonic() > deadline or "Traceback" in lines:
            raise AssertionError(f"the rehearsal gave no report:\n{lines}")
        time.sleep(1)
    return output.read_text(errors="replace")
