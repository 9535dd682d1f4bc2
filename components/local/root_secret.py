"""Root's password on this machine: known to nobody."""

from dataclasses import dataclass
from typing import Self

import pulumi

from components.local.primary import Primary
from strongroom.declaration import Declaration
from strongroom.provider import sdk


@dataclass(frozen=True)
class RootSecretArgs:
    """What the root secret is made from.

    Attributes:
        primary: the server whose root it is.
        max_age_days: days after which the next `up` rotates (1 to 365).
        rotation: any text; changing it rotates on demand.
    """

    primary: Primary
    max_age_days: int = 30
    rotation: str = ""

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it."""
        return cls(
            primary=primary,
            max_age_days=stack.settings.root_password_max_age_days,
            rotation=stack.settings.root_password_rotation,
        )


class RootSecret(pulumi.ComponentResource):
    """Declares that root's password is random, rotated and sealed.

    It refuses to be read: there is no output, secret or plain, that holds the password.

    Outputs: rotated_at.
    """

    rotated_at: pulumi.Output[str]

    def __init__(
        self, name: str, args: RootSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:RootSecret", name, {}, opts)
        secret = sdk.RootSecret(
            f"{name}-password",
            {
                "directory": args.primary.directory,
                "max_age_days": args.max_age_days,
                "rotation": args.rotation,
            },
            # The password goes where the cluster goes; there is nothing to delete by itself.
            pulumi.ResourceOptions(parent=self, deleted_with=args.primary.resource),
        )
        self.rotated_at = secret.rotated_at
        self.register_outputs({"rotated_at": self.rotated_at})
