"""What everybody can do in the end, so that a preview shows a change of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi

from components.access import Access, Database
from strongroom.declaration import Declaration
from strongroom.provider import sdk
from strongroom.rights.declared import declared
from strongroom.rights.stated import stated
from strongroom.roster import Member, Service
from strongroom.tiers import ROOT


@dataclass(frozen=True)
class ReviewArgs:
    """Whose rights are held to what is declared.

    Attributes:
        schemas: the guarded schemas.
        members: the engineers of this environment.
        services: the applications' roles.
        sign_in: how the provisioner connects, as libpq parameters; never a password.
        root: what root is called there.
        container: what the rights end with.
        given_by: what gives all these rights; the matrix comes after it.
    """

    schemas: tuple[str, ...]
    members: tuple[Member, ...]
    services: tuple[Service, ...]
    sign_in: Mapping[str, pulumi.Input[str]]
    container: pulumi.Resource
    given_by: pulumi.Resource
    root: str = ROOT

    @classmethod
    def of(cls, stack: Declaration, primary: Database, access: Access) -> Self:
        """As a stack declares it, on any platform's primary."""
        return cls(
            schemas=stack.roster.schemas,
            members=stack.members,
            services=stack.roster.services,
            sign_in=primary.sign_in(),
            container=primary.resource,
            given_by=access,
            root=stack.settings.root,
        )


class Review(pulumi.ComponentResource):
    """Declares the matrix: for each person and service everything it can do, and through whom.

    It refuses to leave anybody with more, or less, than is declared. It has no outputs; what it
    declares is read in the preview. `last` is the resource that waits for all rights.
    """

    last: pulumi.Resource

    def __init__(
        self, name: str, args: ReviewArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Review", name, {}, opts)
        rights = declared(args.schemas, args.members, args.services)
        self.last = sdk.Matrix(
            f"{name}-matrix",
            {
                "sign_in": dict(args.sign_in),
                "root": args.root,
                "schemas": list(args.schemas),
                "effective": {role: stated(held) for role, held in rights.items()},
            },
            pulumi.ResourceOptions(
                parent=self, depends_on=[args.given_by], deleted_with=args.container
            ),
        )
        self.register_outputs({})
