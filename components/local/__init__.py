"""The platform a laptop or CI can run: PostgreSQL servers on this machine."""

from components.local.agent import Agent, AgentArgs
from components.local.people import People, PeopleArgs
from components.local.primary import Primary, PrimaryArgs
from components.local.replica import Replica, ReplicaArgs, replicas
from components.local.root_secret import RootSecret, RootSecretArgs
from components.local.snapshots import SnapshotPolicy, SnapshotPolicyArgs

__all__ = [
    "Agent",
    "AgentArgs",
    "People",
    "PeopleArgs",
    "Primary",
    "PrimaryArgs",
    "Replica",
    "ReplicaArgs",
    "RootSecret",
    "RootSecretArgs",
    "SnapshotPolicy",
    "SnapshotPolicyArgs",
    "replicas",
]
