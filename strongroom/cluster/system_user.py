"""Who a cluster runs as, and how commands are run as that user."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.errors import StrongroomError

# postgres is what Debian's and Red Hat's packages create; nobody exists everywhere (LSB 5.0).
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class SystemUser:
    """The operating system's user that owns a cluster's files and processes."""

    name: str
    uid: int
    gid: int

    @classmethod
    def for_clusters(cls) -> "SystemUser":
        """The current user, or for root an unprivileged one: PostgreSQL refuses to run as root.

        Raises:
            StrongroomError: root, and none of the unprivileged users exists.
        """
        if os.geteuid() != 0:
            return cls.current()
        for name in _UNPRIVILEGED:
            try:
                return cls._of(pwd.getpwnam(name))
            except KeyError:
                continue
        raise StrongroomError(
            "You are root, PostgreSQL refuses to run as root, and none of the unprivileged users "
            f"{', '.join(_UNPRIVILEGED)} exists on this machine, so no cluster can be started. "
            "Create one (`useradd --system postgres`) or run as an ordinary user."
        )

    @classmethod
    def current(cls) -> "SystemUser":
        """The user this process runs as."""
        return cls._numbered(os.geteuid())

    @classmethod
    def owning(cls, path: Path) -> "SystemUser":
        """The user that owns `path`, a file or folder that exists."""
        return cls._numbered(path.stat().st_uid)

    @classmethod
    def _numbered(cls, uid: int) -> "SystemUser":
        try:
            return cls._of(pwd.getpwuid(uid))
        except KeyError as error:
            raise StrongroomError(
                f"User id {uid} has no name on this machine, and PostgreSQL does not start for a "
                "user without one, so nothing was done. Give it one (a line in /etc/passwd), or "
                "run as another user."
            ) from error

    @classmethod
    def _of(cls, entry: pwd.struct_passwd) -> "SystemUser":
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def folder(self, path: Path) -> Path:
        """Make `path` a folder that this user alone can enter."""
        passable(path.parent)
        with making(path):
            path.mkdir(exist_ok=True)
            path.chmod(0o700)
            self.own(path)
        return path

    def write(self, path: Path, content: str | bytes, mode: int = 0o600) -> None:
        """Put `content` in `path`, at once or not at all, for this user (mode: permission bits)."""
        data = content.encode() if isinstance(content, str) else content
        temporary: Path | None = None
        try:
            # A new file of its own: the folder may be another user's, who could have put a link
            # to anywhere under a name that can be guessed.
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            temporary = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            self.own(temporary)
            temporary.replace(path)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise StrongroomError(
                f"{path} could not be written ({error.strerror}), so nothing depends on it yet. "
                "Free space or mend the permissions of its folder and run the command again."
            ) from error

    def own(self, path: Path) -> None:
        """Give `path` to this user."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def refuse_unreachable(self, path: Path) -> None:
        """Raise `StrongroomError` when this user may not pass a folder on the way to `path`."""
        closed = self._closed_on_the_way(path)
        if closed:
            raise StrongroomError(
                f"The server runs as {self.name}, who may not enter {closed}, so it could not "
                f"reach {path}. Set STRONGROOM_HOME to a folder that {self.name} can reach (the "
                "default is one), or open that folder to pass (`chmod o+x`)."
            )

    def _closed_on_the_way(self, path: Path) -> Path | None:
        existing = path
        while not existing.exists():
            existing = existing.parent
        if self._may_enter(existing):  # which takes passing all folders above it
            return None
        on_the_way = reversed([existing, *existing.parents])
        return next((folder for folder in on_the_way if not self._may_enter(folder)), None)

    def _may_enter(self, folder: Path) -> bool:
        return self.run("/usr/bin/test", "-x", folder, check=False).returncode == 0

    def identity(self) -> dict[str, Any]:
        """What to hand to `subprocess` for a program that runs as this user."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(
        self,
        *command: str | Path,
        timeout: float = 120,
        given: str | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this user, in a session of its own, free of the caller's PG* settings.

        Args:
            command: the program and its arguments; never a secret among them.
            timeout: seconds after which the command is ended.
            given: text for its standard input.
            check: raise when it fails.

        Raises:
            StrongroomError: it failed or took too long; holds the last lines it printed.
        """
        try:
            done: subprocess.CompletedProcess[str] = subprocess.run(
                [str(part) for part in command],
                input=given,
                stdin=None if given is not None else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                env=clean_environment(),
                cwd="/",
                umask=0o077,
                start_new_session=True,
                check=False,
                **self.identity(),
            )
        except OSError as error:
            raise StrongroomError(
                f"{command[0]} cannot be started as {self.name}: {error.strerror}. Nothing was "
                "done. Mend the permissions of the folders on the way to it, or install it."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise StrongroomError(
                f"{Path(str(command[0])).name} did not finish within {timeout:.0f} s and was "
                "ended. The machine may be short of disk or processor time; run the command again."
            ) from error
        if check and done.returncode != 0:
            tail = " / ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
            raise StrongroomError(
                f"{Path(str(command[0])).name} failed with exit code {done.returncode}: {tail}"
            )
        return done


def passable(path: Path) -> None:
    """Make `path` and its parents where missing, so that others may pass, whatever the umask.

    Clusters of root run as another user, who has to get to them.
    """
    with making(path):
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                folder.chmod(0o755)


@contextmanager
def making(path: Path) -> Iterator[None]:
    """Say in a paragraph why `path`, a file or folder, could not be made."""
    try:
        yield
    except OSError as error:
        raise StrongroomError(
            f"{path} could not be made ({error.strerror}), so nothing was put there. Free space, "
            "mend the permissions of its parents, or point STRONGROOM_HOME at a folder that can "
            "be written."
        ) from error


def forget_libpq_settings() -> None:
    """Drop PGHOSTADDR, PGSERVICE, PGOPTIONS and their like from this process's environment.

    A shell that is set up for another server must not decide where our own connections go.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def clean_environment() -> dict[str, str]:
    """The environment without what would point PostgreSQL's programs somewhere else."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    # The server's own messages must be readable by this program whatever the user's language.
    return {**kept, "LC_ALL": "C", "LANG": "C"}
