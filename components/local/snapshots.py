"""Snapshots of the primary on this machine, and how long they are kept."""

from dataclasses import dataclass
from typing import Self

import pulumi

from components.local.primary import Primary
from strongroom.declaration import Declaration
from strongroom.provider import sdk


@dataclass(frozen=True)
class SnapshotPolicyArgs:
    """What the policy is made from.

    Attributes:
        primary: the server that is copied; its vault is where the copies go.
        every_hours: hours between two snapshots (1 to 168).
        full_every_days: days after which the next one is full (1 to 35).
        keep_days: days every snapshot is kept (1 to 3650).
        lock_days: days before which nobody removes one (0 to `keep_days`).
    """

    primary: Primary
    every_hours: int = 24
    full_every_days: int = 7
    keep_days: int = 35
    lock_days: int = 7

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it."""
        settings = stack.settings
        return cls(
            primary=primary,
            every_hours=settings.snapshot_every_hours,
            full_every_days=settings.snapshot_full_every_days,
            keep_days=settings.snapshot_keep_days,
            lock_days=settings.snapshot_lock_days,
        )


class SnapshotPolicy(pulumi.ComponentResource):
    """Declares that the primary is copied on a schedule, every copy checked and kept for a time.

    It refuses to remove what is locked, needed by another snapshot, or the last good one, and it
    keeps the vault when it is deleted itself.

    Outputs: newest.
    """

    newest: pulumi.Output[str]

    def __init__(
        self, name: str, args: SnapshotPolicyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:SnapshotPolicy", name, {}, opts)
        policy = sdk.SnapshotPolicy(
            f"{name}-policy",
            {
                "directory": args.primary.directory,
                "vault": args.primary.vault,
                "every_hours": args.every_hours,
                "full_every_days": args.full_every_days,
                "keep_days": args.keep_days,
                "lock_days": args.lock_days,
            },
            pulumi.ResourceOptions(parent=self, deleted_with=args.primary.resource),
        )
        self.newest = policy.newest
        self.register_outputs({"newest": self.newest})
