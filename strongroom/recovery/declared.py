"""What is to run once more after a recovery, as the stack declares it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser
from strongroom.cluster.vault import Vault
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.provider.local.primary import Primary, PrimaryInputs
from strongroom.provider.local.replica import ReplicaInputs
from strongroom.provider.resource import Context
from strongroom.recovery.recovered import FOLDER


@dataclass(frozen=True)
class Declared:
    """The servers of a stack with the inputs the engine gives them.

    Attributes:
        primary: of the primary.
        replicas: of its replicas, by the name of their folders.
    """

    primary: PrimaryInputs
    replicas: Mapping[str, ReplicaInputs] = field(default_factory=dict)

    @classmethod
    def of(cls, chosen: Declaration) -> "Declared":
        """As the files of a checkout declare an environment."""
        settings = chosen.settings
        directory = chosen.folder / "primary"
        wanted = PrimaryInputs(
            directory=str(directory),
            port=settings.port,
            settings=dict(settings.server),
            server_binaries=settings.server_binaries,
            database=settings.database,
            guarded_schemas=sorted(chosen.roster.schemas),
            environment=chosen.environment,
            guarded=settings.guarded,
            mass_change_rows=settings.mass_change_rows,
            deletion_protection=settings.deletion_protection,
            vault=str(chosen.vault),
            archive_timeout_seconds=settings.archive_timeout_seconds,
        )
        # Where the primary is gone, the copy that is to take its place knows.
        port = _port(directory) or _port(chosen.folder / FOLDER)
        before = {"port": port} if port else {}
        return cls(Primary().check(Context(), wanted, before)).with_replicas(chosen.folder)

    @property
    def stack(self) -> StackFolder:
        """The stack's folder."""
        return StackFolder.of(Path(self.primary.directory))

    @property
    def vault(self) -> Vault | None:
        """The vault, if WAL is archived at all."""
        if not self.primary.vault:
            return None
        return Vault(Path(self.primary.vault), SystemUser.for_clusters())

    def with_replicas(self, folder: Path) -> "Declared":
        """Add the replicas there are on this machine."""
        found = {
            path.parent.name: self.replica(path.parent)
            for path in sorted(folder.glob("*/cluster.json"))
            if (path.parent / "data" / "standby.signal").exists()
        }
        return replace(self, replicas=found)

    def replica(self, directory: Path) -> ReplicaInputs:
        """The inputs of a replica, from what it runs with."""
        return ReplicaInputs(
            directory=str(directory),
            primary=self.primary.directory,
            port=Cluster.at(directory).port,
            settings=self.primary.settings,
            delay_seconds=_delay(directory),
            server_binaries=self.primary.server_binaries,
            server_version=self.primary.server_version,
        )


def _port(directory: Path) -> int:
    try:
        return Cluster.at(directory).port
    except StrongroomError:
        return 0


def _delay(directory: Path) -> int:
    """Seconds, as Strongroom wrote them into the replica's configuration."""
    for line in (directory / "data" / "postgresql.conf").read_text().splitlines():
        name, _, value = line.partition(" = ")
        if name == "recovery_min_apply_delay":
            return int(value.strip("'s"))
    return 0
