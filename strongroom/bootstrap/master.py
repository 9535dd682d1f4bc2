"""Root on RDS: the instance's master, who is no superuser and signs in over TLS."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.bootstrap.root import Root
from strongroom.bootstrap.sealed import Store
from strongroom.tiers import ROOT


@dataclass(frozen=True)
class MasterRoot(Root):
    """The master of one instance.

    Attributes:
        host: the instance's host name, as its certificate has it.
        port: TCP port, 1 to 65535.
        trusted: certificates of RDS's authorities, a PEM file.
        store: where the password is kept.
        name: the master's name.
    """

    host: str
    port: int
    trusted: Path
    store: Store
    name: str = ROOT

    @property
    def where(self) -> str:
        """The instance's host name."""
        return self.host

    @property
    def sealed(self) -> Store:
        """The secret."""
        return self.store

    @property
    def afresh(self) -> str:
        """How to start anew."""
        return "create it as root on purpose, outside this function, and run `pulumi up`"

    def _parameters(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "user": self.name,
            "sslmode": "verify-full",
            "sslrootcert": str(self.trusted),
        }
