"""The scratch stack of a drill: the same program, in a Strongroom home of its own.

Everything lies below one new folder: state, clusters, vault, certificates. Nothing there names the
real stack, and every process that belongs to it carries the folder in its environment. One that
was kept is removed by `python -m strongroom.drill.scratch FOLDER`.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from strongroom.breakglass.hold import held, holding
from strongroom.cluster.cluster import refuse_long_socket
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser, clean_environment
from strongroom.cluster.vault import Vault
from strongroom.declaration import Declaration
from strongroom.drill import processes
from strongroom.drill.cast import Play, settings
from strongroom.engine import STACK
from strongroom.errors import StrongroomError
from strongroom.home import Home, default_root

_PREFIX = "sr-drill-"
# What a program is made of; linked, so that a drill runs what the real stack runs.
_LINKED = ("__main__.py", "Pulumi.yaml", "components", "policy", "strongroom", "plugin", ".venv")
# What costs time to make anew and holds nothing of a stack: plugins and the server's programs.
_SHARED = ("pulumi", "server")
# Variables that would lead the scratch stack, or its alerts, to something real.
_DROPPED = ("PULUMI_", "STRONGROOM_")


@dataclass(frozen=True)
class Scratch:
    """A scratch stack.

    Attributes:
        base: its folder.
        database: the application's database.
    """

    base: Path
    database: str

    @property
    def home(self) -> Home:
        """Its Strongroom home and its checkout."""
        return Home(root=self.base / "home", checkout=self.base / "drill")

    @property
    def stack(self) -> StackFolder:
        """Where its clusters lie."""
        return StackFolder(self.home.stack(STACK))

    @property
    def vault(self) -> Vault:
        """Its vault."""
        return Vault(self.stack.path / "vault", SystemUser.for_clusters())

    @property
    def laptop(self) -> Path:
        """The folder of somebody who works on the application."""
        return self.base / "laptop"

    def environment(self) -> dict[str, str]:
        """The environment of every process that belongs to it."""
        kept = {
            name: value
            for name, value in clean_environment().items()
            if not name.startswith(_DROPPED)
        }
        return {
            **kept,
            processes.MARK: str(self.home.root),
            "PYTHONPATH": str(self.home.checkout),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    @classmethod
    def lay_out(cls, real: Declaration, play: Play, delay: int, inside: Path) -> "Scratch":
        """Make the folder of a stack like `real`, with nothing running yet.

        Args:
            real: the stack it is like; only its files are read.
            play: who has a role.
            delay: how far the replica stays behind, 0 to 86,400 s.
            inside: an existing folder to make it in.

        Raises:
            StrongroomError: it would lie in a real Strongroom home, or clusters cannot lie there.
        """
        live = default_root().resolve()
        inside = inside.resolve()
        if inside == live or live in inside.parents:
            raise StrongroomError(
                f"The folder for the drill, {inside}, lies in {live}, where real stacks are kept, "
                "and a drill drops a database, so nothing was begun. Name another folder."
            )
        scratch = cls(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=inside)), real.settings.database)
        try:
            scratch._fill(real, play, delay)
        except BaseException:
            shutil.rmtree(scratch.base)
            raise
        return scratch

    def _fill(self, real: Declaration, play: Play, delay: int) -> None:
        self.base.chmod(0o755)  # the servers' system user has to pass
        checkout, home = self.home.checkout, self.home.root
        for folder in (checkout, checkout / "stacks", home, self.laptop):
            folder.mkdir()
            folder.chmod(0o755)
        if problem := refuse_long_socket(self.stack.path / "primary"):
            raise StrongroomError(f"{problem}, or name a folder for the drill. Nothing was begun.")
        here = Home.find()
        for name in _LINKED:
            (checkout / name).symlink_to((here.checkout / name).resolve())
        for name in _SHARED:
            if (here.root / name).is_dir():
                (home / name).symlink_to((here.root / name).resolve())
        files = {
            "engineers.yaml": play.roster(),
            f"Pulumi.{STACK}.yaml": settings(real, delay),
        }
        for name, content in files.items():
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
            (checkout / "stacks" / name).write_text(text, encoding="utf-8")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let others see that somebody is at work on it."""
        with holding(_lock(self.base)):
            yield

    def refuse_real(self) -> None:
        """Raise `StrongroomError` unless the cluster about to be harmed is the scratch stack's."""
        server = self.stack.primary.process()
        if server is None or not Path(server.cwd()).is_relative_to(self.base):
            raise StrongroomError(
                f"No server of the scratch stack in {self.base} runs, so no database was dropped "
                "and the drill ended here."
            )

    def remove(self) -> None:
        """End everything that belongs to it and remove its folder."""
        remove(self.base)


def remove(base: Path) -> None:
    """End what runs in the scratch stack below `base`, and remove it."""
    processes.end_all(base)
    shutil.rmtree(base, ignore_errors=True)


def sweep(inside: Path) -> list[Path]:
    """Remove the scratch stacks in a folder whose drills were killed.

    Returns:
        what was removed. One that was kept on purpose stays, and so does another user's.
    """
    removed = []
    for base in sorted(inside.glob(f"{_PREFIX}*")):
        mine = base.is_dir() and not base.is_symlink() and base.stat().st_uid == os.geteuid()
        if mine and _lock(base).exists() and not held(_lock(base)):
            remove(base)
            removed.append(base)
    return removed


def keep(scratch: Scratch) -> None:
    """Let no later drill sweep it away."""
    _lock(scratch.base).unlink(missing_ok=True)


def _lock(base: Path) -> Path:
    return base / "drill.lock"


def main(arguments: Sequence[str]) -> int:
    """Remove the scratch stacks that were kept in the folders named in `arguments`."""
    for folder in map(Path, arguments):
        if not folder.name.startswith(_PREFIX) or not (folder / "drill" / "stacks").is_dir():
            sys.stderr.write(f"strongroom: {folder} is no scratch stack of a drill; it stays.\n")
            return 1
        remove(folder.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
