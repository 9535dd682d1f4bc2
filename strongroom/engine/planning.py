"""Previews whose output is read, and updates held to a plan."""

import subprocess
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from strongroom.engine import POLICIES, STACK
from strongroom.engine.preparing import elsewhere, prepare, primary_runs
from strongroom.engine.state import has_rights, without_salt
from strongroom.errors import StrongroomError
from strongroom.home import Home

#: Events one by one: the digest of a preview leaves out what policies said.
_STREAM = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"


@dataclass(frozen=True)
class Engine:
    """The engine, ready to work on one stack.

    Attributes:
        home: the checkout.
        stack: the stack.
        environment: what it runs in.
        refresh: whether there is anything to compare with reality, and it answers.
    """

    home: Home
    stack: str
    environment: dict[str, str]
    refresh: bool

    def preview(self, plan: Path | None = None, policy_pack: str = "") -> str:
        """What `pulumi preview --json` prints, failed or not.

        Args:
            plan: where to save the plan; none is saved when the preview fails.
            policy_pack: the path of a policy pack beside the project's own; empty for none.

        Raises:
            StrongroomError: the engine did not come as far as a preview.
        """
        arguments = ["preview", "--json", *(["--save-plan", str(plan)] if plan else [])]
        arguments += _held_to(policy_pack)
        with self._files():
            done = subprocess.run(
                self._command(arguments),
                cwd=self.home.checkout,
                env={**self.environment, _STREAM: "true"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if "{" not in done.stdout:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise StrongroomError(
                f"There is no preview of the stack {self.stack}, so nothing was reviewed: {said}"
            )
        return done.stdout

    def up(self, plan: Path, policy_pack: str = "") -> int:
        """Do what a plan allows and nothing else.

        Args:
            plan: the plan.
            policy_pack: as in a preview.

        Returns:
            The exit code of `pulumi`; its output goes to the terminal.
        """
        arguments = ["up", "--yes", "--skip-preview", "--plan", str(plan)]
        arguments += _held_to(policy_pack)
        with self._files():
            return subprocess.run(
                self._command(arguments), cwd=self.home.checkout, env=self.environment, check=False
            ).returncode

    def _files(self) -> AbstractContextManager[None]:
        """The stack's files as they are committed, afterwards too."""
        return without_salt(self.home) if self.stack == STACK else nullcontext()

    def _command(self, arguments: list[str]) -> list[str]:
        refresh = ["--refresh"] if self.refresh else []
        return ["pulumi", *arguments, *refresh, "--stack", self.stack, "--non-interactive"]


def _held_to(policy_pack: str) -> list[str]:
    """The project's own pack, and another one where it was asked for."""
    packs = dict.fromkeys([POLICIES, *filter(None, [policy_pack])])
    return [argument for pack in packs for argument in ("--policy-pack", pack)]


def engine(home: Home, stack: str, *, changes: bool = False) -> Engine:
    """The engine for a stack.

    Args:
        home: the checkout.
        stack: the stack; the local one has its state here, any other where the caller's own
            environment says.
        changes: whether more than a preview is meant.

    Raises:
        StrongroomError: there is no engine, or another one holds the stack.
    """
    if stack != STACK:
        from strongroom.packing import pack

        pack(home.checkout, stack)
        return Engine(home, stack, elsewhere(home), refresh=True)
    _, whole = prepare(home, changes=changes)
    return Engine(home, stack, whole, refresh=has_rights(home) and primary_runs(home))
