"""Where a drill is played: commands are run on the scratch stack, shown and timed."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from strongroom.drill.result import Shown, Step
from strongroom.drill.scratch import Scratch
from strongroom.errors import StrongroomError

# Seconds the longest command may take: a recovery of many gigabytes.
_LONGEST = 3 * 3600


class Progress(Protocol):
    """Who follows a drill."""

    def step(self, number: int, count: int, title: str) -> None:
        """A step begins."""

    def note(self, text: str) -> None:
        """What is worked on within it; often."""

    def keep(self, text: str) -> None:
        """Something worth remembering."""


@dataclass(frozen=True)
class Heard:
    """A line a command printed, and when (seconds since the epoch)."""

    at: float
    text: str


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    lines: tuple[Heard, ...]

    @property
    def output(self) -> str:
        """All it printed."""
        return "\n".join(line.text for line in self.lines)


@dataclass
class Stage:
    """Runs commands on a scratch stack and collects what a step shows.

    Attributes:
        scratch: the scratch stack.
        progress: who follows.
        count: how many steps there are; for the progress.
        steps: those that are done.
    """

    scratch: Scratch
    progress: Progress
    count: int
    steps: list[Step] = field(default_factory=list)
    _shown: list[Shown] = field(default_factory=list)
    _facts: list[str] = field(default_factory=list)
    _number: int = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step: what is run and told meanwhile belongs to it."""
        self._number += 1
        self.progress.step(self._number, self.count, title)
        self._shown, self._facts = [], []
        begun = time.monotonic()
        yield
        seconds = round(time.monotonic() - begun, 2)
        self.steps.append(Step(title, seconds, tuple(self._shown), tuple(self._facts)))

    def tell(self, fact: str) -> None:
        """Something that came of the step."""
        self._facts.append(fact)
        self.progress.keep(fact)

    def show(self, who: str, command: str, output: str, code: int = 0) -> None:
        """A command a person should see, with what it said."""
        self._shown.append(Shown(who, command, self.scrubbed(output).strip("\n"), code))

    def scrubbed(self, text: str) -> str:
        """Without the paths of this machine, which mean nothing to a reader."""
        return text.replace(str(self.scratch.base), "…")

    def strongroom(self, *arguments: str, cwd: Path | None = None) -> Done:
        """Run the command line as a process of its own."""
        command = [sys.executable, "-m", "strongroom.cli", *arguments]
        return self.run(command, cwd or self.scratch.home.checkout)

    def engine(self, command: str, *arguments: str) -> Done:
        """Run what `make up` and its like run.

        Raises:
            StrongroomError: there is no engine.
        """
        if shutil.which("pulumi") is None:
            raise StrongroomError(
                "There is no pulumi on PATH, and a drill makes a real stack, so nothing was done. "
                'Run `make drill`, which finds or builds the engine, or `eval "$(make -s env)"` '
                "first."
            )
        whole = [sys.executable, "-m", "strongroom.engine", command, *arguments]
        return self.run(whole, self.scratch.home.checkout)

    def run(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
    ) -> Done:
        """Run a program of the scratch stack to its end.

        Args:
            command: the program and its arguments; never a secret among them.
            cwd: where.
            environment: further variables.
        """
        heard: list[Heard] = []
        with self.start(command, cwd, environment) as process:
            for line in process.stdout or ():
                text = line.rstrip()
                heard.append(Heard(time.time(), text))
                self.progress.note(text)
            code = process.wait(_LONGEST)
        return Done(code, tuple(heard))

    def start(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Begin a program of the scratch stack, in a session of its own: Ctrl-C ends only us."""
        return subprocess.Popen(
            command,
            cwd=cwd,
            env={**self.scratch.environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )


def expect(done: Done, what: str) -> Done:
    """What a command did.

    Raises:
        StrongroomError: it failed; holds its last lines.
    """
    if done.code != 0:
        last = " / ".join(line.text for line in done.lines[-6:] if line.text)
        raise StrongroomError(
            f"The drill could not go on: {what} failed with exit code {done.code}: {last}. The "
            "real stack was not touched. Mend the cause, or look at the scratch stack with --keep."
        )
    return done
