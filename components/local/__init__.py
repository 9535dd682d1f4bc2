"""The platform a laptop or CI can run: PostgreSQL servers on this machine."""

from components.local.primary import Primary, PrimaryArgs
from components.local.replica import Replica, ReplicaArgs
from components.local.root_secret import RootSecret, RootSecretArgs

__all__ = ["Primary", "PrimaryArgs", "Replica", "ReplicaArgs", "RootSecret", "RootSecretArgs"]
