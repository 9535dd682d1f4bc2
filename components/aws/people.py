"""Who signs in on AWS, and what becomes of who leaves."""

from dataclasses import dataclass
from typing import Self

import pulumi

from components.aws.primary import Primary
from strongroom.declaration import Declaration
from strongroom.people import names_by_role
from strongroom.provider import sdk
from strongroom.roster import Member, Service


@dataclass(frozen=True)
class PeopleArgs:
    """Who signs in.

    Attributes:
        primary: the server they sign in to.
        region: where the function is that acts as its root.
        members: the engineers of this environment.
        services: the applications' roles.
    """

    primary: Primary
    region: str
    members: tuple[Member, ...]
    services: tuple[Service, ...]

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it."""
        return cls(primary, stack.settings.aws.region, stack.members, stack.roster.services)


class People(pulumi.ComponentResource):
    """Declares who signs in, so that whoever no longer does is retired before the role is dropped.

    It refuses to lose what a leaver owns: that goes to app_owner, in every database.

    It has no outputs; what a leaver leaves behind is read in the preview.
    """

    def __init__(
        self, name: str, args: PeopleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:People", name, {}, opts)
        sdk.AwsPeople(
            f"{name}-roles",
            {
                # A plain name: leavers can be looked at in every preview.
                "function": args.primary.names.function,
                "region": args.region,
                "people": names_by_role(args.members, args.services),
            },
            pulumi.ResourceOptions(parent=self, deleted_with=args.primary.resource),
        )
        self.register_outputs({})
