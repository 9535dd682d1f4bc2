"""The folder of one stack on this machine: what lies in it, and how one signs in there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from strongroom.cluster.certificates import Authority, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import passable


@dataclass(frozen=True)
class StackFolder:
    """Clusters, certificates and final snapshots of one stack."""

    path: Path

    @classmethod
    def of(cls, cluster_directory: Path) -> "StackFolder":
        """The stack that the cluster in `cluster_directory` belongs to."""
        return cls(cluster_directory.parent)

    @property
    def authority(self) -> Authority:
        """The stack's own certificate authority."""
        return Authority(self.path / "ca")

    @property
    def provisioner(self) -> KeyPair:
        """What Pulumi signs in with; owned by the user who runs it."""
        folder = self.path / "provisioner"
        return KeyPair(folder / "provisioner.crt", folder / "provisioner.key")

    @property
    def people(self) -> Path:
        """Short-lived certificates of people, a folder for each sign-in."""
        return self.path / "people"

    @property
    def final_snapshots(self) -> Path:
        """Clusters that were deleted or taken out of service, whole."""
        return self.path / "final-snapshots"

    @property
    def primary(self) -> Cluster:
        """The primary; raises `StrongroomError` when there is none yet."""
        return Cluster.at(self.path / "primary")

    def clusters(self) -> list[Cluster]:
        """All clusters of the stack, the primary first."""
        folders = sorted(path.parent for path in self.path.glob("*/cluster.json"))
        folders.sort(key=lambda folder: folder.name != "primary")
        return [Cluster.at(folder) for folder in folders]

    def set_aside(self, cluster: Cluster) -> Path:
        """Move a stopped cluster to the final snapshots: instant, and it needs no space."""
        passable(self.final_snapshots)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        kept = self.final_snapshots / f"{cluster.directory.name}-{stamp}"
        cluster.directory.rename(kept)
        return kept


def sign_in(
    cluster: Cluster, role: str, pair: KeyPair, trusted: Path, database: str | None = None
) -> dict[str, str]:
    """Libpq's connection parameters for `role`, who proves itself with `pair` and has no password.

    Args:
        cluster: where to sign in.
        role: the role, which must be the certificate's common name.
        pair: its certificate and key.
        trusted: the authority's certificate, as a file the caller can read.
        database: left out for a replication connection.
    """
    parameters = {
        "host": LOOPBACK,
        "port": str(cluster.port),
        "user": role,
        "sslmode": "verify-full",
        "sslrootcert": str(trusted),
        "sslcert": str(pair.certificate),
        "sslkey": str(pair.key),
    }
    return parameters | ({"dbname": database} if database else {})
