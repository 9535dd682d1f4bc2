"""A stack of the resource handlers inside a small project, for the command line as a process."""

import fcntl
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from strongroom.cluster.system_user import passable
from strongroom.home import Home
from strongroom.provider.local.primary import Primary
from tests.conftest import end_server, kill
from tests.live.broken_glass import closers
from tests.live.local_stack import LocalStack, Managed

CHECKOUT = Path(__file__).parents[2]

# The people of tests/live/local_stack.py, and one more senior, who needs no role to approve.
_ROSTER = """\
environments: [local, production]
schemas: [app]
engineers:
  ada: {name: Ada Okonkwo, tier: senior}
  bram: {name: Bram de Wit, tier: senior}
  chiara: {name: Chiara Lindqvist, tier: mid}
  dmitri: {name: Dmitri Sato, tier: junior, rights: {app: [EXECUTE]}}
  esra: {name: Esra Novak, tier: junior}
  gone: {name: Gone Elsewhere, tier: senior, environments: {local: none}}
services:
  web: {rights: {app: [SELECT, INSERT, UPDATE]}}
  report: {rights: {app: [SELECT]}}
  migrator: {ddl: true}
"""
_SETTINGS = """\
config:
  strongroom:statementTimeoutSeconds: {mid: 123}
  strongroom:idleInTransactionTimeoutSeconds: 77
"""


class ProjectStack(LocalStack):
    """A stack that `strongroom` finds from inside a checkout, as `local` and as `production`."""

    def __init__(self, home: Path) -> None:
        self.checkout = Path(tempfile.mkdtemp(prefix="c", dir=home))
        self.checkout.chmod(0o755)
        for name in ("Pulumi.yaml", "strongroom"):
            (self.checkout / name).symlink_to(CHECKOUT / name)
        stacks = self.checkout / "stacks"
        stacks.mkdir()
        (stacks / "engineers.yaml").write_text(_ROSTER)
        found = Home(root=home, checkout=self.checkout)
        self.folder = found.stack("local")
        self.primary = Managed(Primary(), "primary")
        passable(self.folder)
        for environment in ("local", "production"):
            (stacks / f"Pulumi.{environment}.yaml").write_text(_SETTINGS)
        found.stack("production").symlink_to(self.folder)

    def environment(self, **more: str) -> dict[str, str]:
        """What a shell of a user would hand over."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # A home without a psqlrc of whoever runs the tests.
        return {**kept, "HOME": str(self.checkout), "NO_COLOR": "1", **more}

    def command(self, *arguments: str) -> list[str]:
        """The command line of a process of `strongroom`."""
        return [sys.executable, "-m", "strongroom.cli", *arguments]

    def strongroom(
        self, *arguments: str, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `given` is its standard input."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.checkout / "stacks",
            env=self.environment(**environment),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a command that reads from a pipe until the test closes it."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.checkout,
            env=self.environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def terminal(self, *arguments: str, **environment: str) -> "Terminal":
        """Begin a command on a terminal of its own."""
        environ = {**self.environment(**environment), "TERM": "xterm", "PAGER": ""}
        return Terminal(self.command(*arguments), self.checkout, environ)


@contextmanager
def standing_project(home: Path) -> Iterator[ProjectStack]:
    """A project whose primary runs, without roles of people; all of it goes in the end."""
    made = ProjectStack(home)
    made.make()
    yield made
    kill(closers(made))
    end_server(made.folder / "primary")
    shutil.rmtree(made.folder.parent, ignore_errors=True)
    shutil.rmtree(made.checkout, ignore_errors=True)


class Terminal:
    """A process on a pseudo-terminal, and what a person would see of it."""

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(timeout=30)
        os.close(self._ours)

    def type(self, line: str, end: str = "\n") -> None:
        os.write(self._ours, f"{line}{end}".encode())

    def wait_for(self, words: str, seconds: float = 30) -> None:
        """Read until `words` are on the screen, after what was waited for before."""
        deadline = time.monotonic() + seconds
        start = len(self.seen)
        while words not in self.seen[start:]:
            assert time.monotonic() < deadline, f"{words!r} is not in {self.seen!r}"
            self._read()

    def end(self) -> int:
        """Leave psql; returns the exit code."""
        self.type("\\q")
        return self.wait()

    def wait(self) -> int:
        """Read until the process ends; returns its exit code."""
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read()
        return self.process.wait(timeout=1)

    def echoes(self) -> bool:
        """Whether what is typed is shown, as a shell leaves it."""
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.1)[0]:
            try:
                self.seen += os.read(self._ours, 65536).decode(errors="replace")
            except OSError:  # the other side is closed
                time.sleep(0.05)
