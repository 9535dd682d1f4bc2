"""A standby of the primary on this machine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pulumi

from components.local.primary import Primary
from strongroom.declaration import Declaration
from strongroom.provider import sdk


@dataclass(frozen=True)
class ReplicaArgs:
    """What a replica is made from.

    Attributes:
        folder: holds the clusters of this stack, outside the project.
        primary: what it follows.
        port: TCP port on the loopback address; 0 chooses a free one and remembers it.
        delay_seconds: how long a commit is held back before it is applied (0 to 86400).
        settings: as the primary's; a standby must allow at least as much.
        server_binaries: as the primary's.
        deletion_protection: refuse to delete it by the engine.
    """

    folder: Path
    primary: Primary
    port: int = 0
    delay_seconds: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    server_binaries: str = ""
    deletion_protection: bool = True

    @classmethod
    def of(cls, stack: Declaration, primary: Primary, delay_seconds: int = 0) -> Self:
        """As a stack declares it; with a delay the one that still has what was just lost."""
        return cls(
            folder=stack.folder,
            primary=primary,
            delay_seconds=delay_seconds,
            settings=dict(stack.settings.server),
            server_binaries=stack.settings.server_binaries,
            deletion_protection=stack.settings.deletion_protection,
        )


class Replica(pulumi.ComponentResource):
    """Declares a streaming standby with a replication slot and a certificate of its own.

    It declares no roles and no rights: those arrive from the primary like everything else.

    Outputs: host, port.
    """

    host: pulumi.Output[str]
    port: pulumi.Output[int]

    def __init__(
        self, name: str, args: ReplicaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Replica", name, {}, opts)
        server = sdk.Replica(
            f"{name}-server",
            {
                "directory": str(args.folder / name),
                "primary": args.primary.directory,
                "port": args.port,
                "delay_seconds": args.delay_seconds,
                "settings": args.settings,
                "server_binaries": args.server_binaries,
            },
            # Its folder has a fixed name, so two of it cannot be there at the same time.
            pulumi.ResourceOptions(
                parent=self, protect=args.deletion_protection, delete_before_replace=True
            ),
        )
        self.host = server.host
        self.port = server.port
        self.register_outputs({"host": self.host, "port": self.port})


def replicas(stack: Declaration, primary: Primary) -> dict[str, Replica]:
    """Declare the replicas of a stack: a standby, and a delayed one where the settings say so."""
    found = {"replica": Replica("replica", ReplicaArgs.of(stack, primary))}
    if delay := stack.settings.replica_delay_seconds:
        found["delayed"] = Replica("delayed", ReplicaArgs.of(stack, primary, delay))
    return found
