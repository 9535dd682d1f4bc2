"""What a recovery finds when it begins: servers, vault and WAL of one stack."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.stack import StackFolder
from strongroom.errors import StrongroomError
from strongroom.provider.local.common import cluster_of
from strongroom.recovery.declared import Declared
from strongroom.recovery.sources import Sources
from strongroom.recovery.wal import Wal


@dataclass(frozen=True)
class Situation:
    """One stack at one moment.

    Attributes:
        declared: its servers as they are declared.
    """

    declared: Declared

    @property
    def stack(self) -> StackFolder:
        """The stack's folder."""
        return self.declared.stack

    @property
    def primary(self) -> Cluster:
        """The primary, whether it is there or not."""
        return cluster_of(self.declared.primary)

    @property
    def replicas(self) -> tuple[Cluster, ...]:
        """The replicas that are there."""
        found = (cluster_of(inputs) for inputs in self.declared.replicas.values())
        return tuple(cluster for cluster in found if cluster.exists())

    @cached_property
    def system(self) -> str:
        """The system identifier that the stack's data has.

        Raises:
            StrongroomError: there is no data at all.
        """
        for cluster in self._whole():
            return control(cluster)["Database system identifier"]
        vault = self.declared.vault
        known = vault.catalog() if vault else []
        if not known:
            raise StrongroomError(
                f"{self.stack.path} holds neither a primary nor a replica, and its vault no "
                "snapshot, so there is nothing to recover from. If the vault lies elsewhere, name "
                "it (`pulumi config set vault …`)."
            )
        return known[-1].system

    @cached_property
    def wal(self) -> Wal:
        """All WAL within reach: the archive's first, then the primary's, then the replicas'."""
        vault = self.declared.vault
        folders = [vault.wal(self.system)] if vault else []
        folders += [Path(cluster.data / "pg_wal") for cluster in (self.primary, *self.replicas)]
        package, user = self.primary.package, self.primary.user
        return Wal.within(folders, self._timeline(), package, user)

    @cached_property
    def sources(self) -> Sources:
        """Everything to recover from."""
        vault = self.declared.vault
        return Sources(self.replicas, self.primary, vault, self.system, self.wal)

    def _whole(self) -> list[Cluster]:
        everyone = (self.primary, *self.replicas)
        return [
            cluster for cluster in everyone if (cluster.data / "global" / "pg_control").exists()
        ]

    def _timeline(self) -> int | None:
        primary = self.primary
        if primary not in self._whole():
            return None
        return int(control(primary)["Latest checkpoint's TimeLineID"])
