"""Where Strongroom keeps what outlives a run: clusters, the server package, the engine's state.

Everything lies outside the checkout, so that a clone can be deleted, cleaned or moved without
touching a database.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from strongroom.errors import StrongroomError

PROJECT_FILE = "Pulumi.yaml"


@dataclass(frozen=True)
class Home:
    """The folders of one checkout.

    Attributes:
        root: Strongroom's own folder, shared by all checkouts of this user.
        checkout: the folder that holds Pulumi.yaml.
    """

    root: Path
    checkout: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Home":
        """Find the checkout that `start` (default: the working directory) lies in.

        Raises:
            StrongroomError: no folder above `start` is a Strongroom project.
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / PROJECT_FILE).is_file() and (folder / "strongroom").is_dir():
                return cls(root=default_root(), checkout=folder)
        raise StrongroomError(
            f"{here} is not inside a Strongroom project: no folder above it holds "
            f"{PROJECT_FILE} beside strongroom/, so there is no stack to speak of. "
            "Change into a clone of the project and try again."
        )

    @property
    def project(self) -> Path:
        """This checkout's own folder: two clones never share a stack."""
        digest = hashlib.sha256(str(self.checkout.resolve()).encode()).hexdigest()[:8]
        # Names end up in the paths of Unix sockets, which are short.
        return self.root / f"{self.checkout.name[:20]}-{digest}"

    @property
    def engine(self) -> Path:
        """The engine's file backend and passphrase for the local stack."""
        return self.project / "engine"

    @property
    def pulumi_home(self) -> Path:
        """A PULUMI_HOME of our own, so that no login and no plugin of the user is touched."""
        return self.root / "pulumi"

    def stack(self, name: str) -> Path:
        """The clusters, certificates and snapshots of one stack."""
        return self.project / name


def default_root() -> Path:
    """STRONGROOM_HOME, or the state directory of the user (root: /var/lib).

    Root's clusters run as an unprivileged system user who cannot enter root's own home, hence
    the system's state directory (Filesystem Hierarchy Standard 3.0, 5.8) instead of XDG's.
    """
    named = os.environ.get("STRONGROOM_HOME")
    if named:
        return Path(named).resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/strongroom")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "strongroom"
