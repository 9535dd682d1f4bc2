"""What happens on this machine between two runs of `up`."""

from dataclasses import dataclass
from typing import Self

import pulumi

from components.local.primary import Primary
from strongroom.declaration import Declaration
from strongroom.elevations.lent import Lent
from strongroom.home import Home
from strongroom.provider import sdk
from strongroom.settings import Settings


@dataclass(frozen=True)
class AgentArgs:
    """What the agent is told.

    Attributes:
        primary: the server it looks after.
        settings: those of the stack: schedule and age of snapshots, age of root's password,
            schedule of restore drills.
        elevations: what is lent until a time.
        checks: the folder of the team's own checks, which restore drills run.
    """

    primary: Primary
    settings: Settings
    elevations: tuple[Lent, ...] = ()
    checks: str = ""

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it."""
        lent = Lent.to(stack.members)
        checks = str(Home.find().checkout / "checks")
        return cls(primary, stack.settings, lent, checks)


class Agent(pulumi.ComponentResource):
    """Declares the background process of the stack: heartbeat, snapshots, rotation, watch.

    It ends what is lent until a time, and gives no right. On AWS services of AWS do the same, and
    a scheduled `up` ends elevations.

    It has no outputs.
    """

    def __init__(
        self, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Agent", name, {}, opts)
        settings = args.settings
        sdk.Agent(
            f"{name}-process",
            {
                "directory": args.primary.directory,
                "database": args.primary.database,
                "vault": args.primary.vault,
                "heartbeat_seconds": 1,
                "every_hours": settings.snapshot_every_hours,
                "full_every_days": settings.snapshot_full_every_days,
                "keep_days": settings.snapshot_keep_days,
                "lock_days": settings.snapshot_lock_days,
                "rotate_after_days": settings.root_password_max_age_days,
                "elevations": [lent.dump() for lent in args.elevations],
                "alert_delete_rows": settings.alert_delete_rows,
                "drill_every_days": settings.drill_every_days,
                "checks": args.checks,
            },
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
