"""A clone of the project that make works in, with its own stack, for tests of reviews."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.stack import StackFolder
from strongroom.home import Home
from tests.conftest import end_server
from tests.stack.project import CHECKOUT, STACK, Run

#: A change of these is nobody's own: who makes it and who approves it is told by each test.
_SETUP = {"user.name": "Chiara Lindqvist", "user.email": "chiara@example.org"}


@dataclass(frozen=True)
class Clone:
    """A repository whose main is what is in force."""

    checkout: Path
    home: Home

    @classmethod
    def create(cls, base: Path) -> "Clone":
        """Copy what git knows of the checkout, and commit it as main."""
        checkout = Path(tempfile.mkdtemp(prefix="c", dir=base))
        checkout.chmod(0o755)
        listed = subprocess.run(
            ["git", "-C", CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (CHECKOUT / name).is_file():
                (checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, checkout / name)
        made = cls(checkout, Home(root=base, checkout=checkout))
        made._share_packages()
        made.git("init", "--quiet", "--initial-branch=main")
        for key, value in _SETUP.items():
            made.git("config", key, value)
        made.commit("what is in force")
        made.git("branch", "change")
        made.git("switch", "--quiet", "change")
        return made

    def _share_packages(self) -> None:
        """The checkout's own .venv, marked as installed here."""
        folder = self.checkout / ".venv"
        folder.mkdir()
        for entry in (CHECKOUT / ".venv").iterdir():
            if entry.name not in ("installed-from", "install.log"):
                (folder / entry.name).symlink_to(entry)
        version = subprocess.run(
            [sys.executable, "-c", "import sys; print(sys.version.split()[0])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        files = [
            (self.checkout / name).read_text() for name in ("requirements.txt", "pyproject.toml")
        ]
        (folder / "installed-from").write_text(f"{self.checkout}\n{version}\n{''.join(files)}")

    def git(self, *arguments: str) -> str:
        """Run git; returns what it prints."""
        done = subprocess.run(
            ["git", "-C", self.checkout, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def merge(self) -> None:
        """Make the change what is in force, and begin another."""
        self.git("branch", "--force", "main", "change")

    def make(self, target: str, *arguments: str) -> Run:
        """Run a target of the Makefile, as a pipeline does."""
        python = Path(sys.executable).resolve()
        # Neither the engine's settings of whoever runs the tests, nor what their make was told.
        left_out = ("PULUMI_", "MAKE", "MFLAGS", "ARGS")
        variables = {key: os.environ[key] for key in os.environ if not key.startswith(left_out)}
        done = subprocess.run(
            ["make", target, "BASE=main", *arguments],
            cwd=self.checkout,
            env={**variables, "PYTHON": str(python), "STRONGROOM_HOME": str(self.home.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return Run(done.returncode, done.stdout)

    def edit(self, change: Callable[[Any], None], name: str = "engineers.yaml") -> None:
        """Let `change` alter a file in stacks/ and commit it."""
        path = self.checkout / "stacks" / name
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content))
        self.commit(f"change {name}")

    def by_hand(self, *statements: str) -> list[Any]:
        """What somebody with root's rights does; returns the rows of the last statement."""
        rows: list[Any] = []
        primary = StackFolder(self.home.stack(STACK)).primary
        with LocalRoot(primary).connect("app") as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def remove(self) -> None:
        """End every server of the stack and remove what the clone left."""
        for facts in self.home.project.rglob("cluster.json"):
            end_server(facts.parent)
        shutil.rmtree(self.home.project, ignore_errors=True)
        shutil.rmtree(self.checkout, ignore_errors=True)
