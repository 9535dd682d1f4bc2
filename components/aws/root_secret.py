"""Root's password on AWS: known to nobody, opened by one function."""

import json
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from components.aws.keys import WAITING_DAYS, declare_key
from components.aws.openings import Openings, OpeningsArgs
from components.aws.primary import Primary
from components.aws.root_access import RootAccess
from components.aws.root_function import RootFunction, RootFunctionArgs
from strongroom.aws_policies import assumed_by
from strongroom.aws_settings import AwsSettings
from strongroom.bootstrap.steps import Foundation
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError
from strongroom.home import Home
from strongroom.packing import Packed, Packing


@dataclass(frozen=True)
class RootSecretArgs:
    """What the root secret is made from.

    Attributes:
        primary: the server whose root it is.
        code: the function, as it was packed.
        foundation: what root lays in the database.
        aws: the region, the roles that may open it and that declare it, days logs are kept.
        max_age_days: days after which Secrets Manager rotates (1 to 365).
        rotation: any text; changing it rotates on demand.
        deletion_protection: refuse to delete secret and key by the engine.
    """

    primary: Primary
    code: Packed
    foundation: Foundation
    aws: AwsSettings
    max_age_days: int = 30
    rotation: str = ""
    deletion_protection: bool = True

    def access(self, role: str) -> RootAccess:
        """Whom the password is for, when `role` is the ARN of the function's role."""
        return RootAccess(
            role, self.aws.region, self.aws.break_glass_roles, self.aws.pipeline_roles
        )

    @classmethod
    def of(cls, stack: Declaration, primary: Primary) -> Self:
        """As a stack declares it.

        Raises:
            pulumi.RunError: the function was not packed.
        """
        settings = stack.settings
        try:
            code = Packing.of(Home.find().checkout, settings).at_hand()
        except StrongroomError as error:
            raise pulumi.RunError(str(error)) from error
        foundation = Foundation(
            database=settings.database,
            guarded=tuple(sorted(stack.roster.schemas)),
            environment=stack.environment,
            kept_from_laptops=settings.guarded,
            mass_change_rows=settings.mass_change_rows,
            replicator=False,
            taken_over=bool(settings.aws.existing.identifier),
        )
        return cls(
            primary=primary,
            code=code,
            foundation=foundation,
            aws=settings.aws,
            max_age_days=settings.root_password_max_age_days,
            rotation=settings.root_password_rotation,
            deletion_protection=settings.deletion_protection,
        )


class RootSecret(pulumi.ComponentResource):
    """Declares where root's password is kept, and the function that makes, rotates and uses it.

    It refuses to hold a value: the function makes the first one, and none reaches the engine.
    Everybody but the function and the break-glass roles is denied by the secret and by its key.

    Outputs: rotated_at.
    """

    rotated_at: pulumi.Output[str]

    def __init__(
        self, name: str, args: RootSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:RootSecret", name, {}, opts)
        names = args.primary.names
        mine = pulumi.ResourceOptions(parent=self)
        # What is lost with them could not be had back.
        kept = pulumi.ResourceOptions(
            parent=self, protect=args.deletion_protection, retain_on_delete=True
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=names.function,
            description="Opens root's password, which nobody else may",
            assume_role_policy=assumed_by("lambda.amazonaws.com"),
            # Its name is fixed, so two of it cannot be there at the same time.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        access = role.arn.apply(args.access)
        key = declare_key(
            f"{name}-key",
            names.secret,
            f"Root's password of {names.stem}",
            access.apply(RootAccess.key_policy),
            kept,
        )
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=names.secret,
            description="Made, rotated and used by one function; opening it raises an alarm.",
            kms_key_id=key.arn,
            recovery_window_in_days=WAITING_DAYS,
            opts=kept,
        )
        sealed = aws.secretsmanager.SecretPolicy(
            f"{name}-policy",
            secret_arn=secret.arn,
            policy=access.apply(RootAccess.secret_policy),
            block_public_policy=True,
            opts=mine,
        )
        openings = Openings(
            f"{name}-openings",
            OpeningsArgs(names, args.primary.alerts, secret.arn, role.arn, args.aws),
            mine,
        )
        function = RootFunction(
            f"{name}-function",
            RootFunctionArgs(
                args.primary,
                args.code,
                args.foundation,
                args.aws,
                role,
                secret,
                key,
                openings.queue,
            ),
            mine,
        )
        # Nothing is in the secret before it is sealed and watched.
        laid = function.bootstrap(
            pulumi.ResourceOptions(
                parent=self, depends_on=[function, sealed, openings, args.primary]
            )
        )
        rotation = aws.secretsmanager.SecretRotation(
            f"{name}-rotation",
            secret_id=secret.id,
            rotation_lambda_arn=function.arn,
            rotation_rules={"automatically_after_days": args.max_age_days},
            # The function has made a password nobody saw.
            rotate_immediately=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[laid]),
        )
        if args.rotation:
            function.rotate(
                args.rotation, pulumi.ResourceOptions(parent=self, depends_on=[rotation])
            )
        self.rotated_at = laid.result.apply(_rotated_at)
        self.register_outputs({"rotated_at": self.rotated_at})


def _rotated_at(answered: str | None) -> str:
    return str(json.loads(answered or "{}").get("rotatedAt", ""))
