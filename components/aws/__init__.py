"""The platform production runs on: RDS for PostgreSQL, and what watches and keeps it."""

from components.aws.agent import Agent, AgentArgs
from components.aws.people import People, PeopleArgs
from components.aws.primary import Primary, PrimaryArgs
from components.aws.replica import Replica, ReplicaArgs, replicas
from components.aws.root_secret import RootSecret, RootSecretArgs
from components.aws.snapshots import SnapshotPolicy, SnapshotPolicyArgs

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
