"""Standbys of the primary on AWS."""

from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from components.aws import instance
from components.aws.logs import declare_logs
from components.aws.parameters import declare_parameters, family_of
from components.aws.primary import Primary
from components.aws.watch import watch_replica
from strongroom.aws_settings import PORT, AwsSettings
from strongroom.declaration import Declaration


@dataclass(frozen=True)
class ReplicaArgs:
    """What a replica is made from.

    Attributes:
        primary: what it follows.
        identifier: its own.
        aws: what the stack has on AWS.
        port: TCP port, as the primary's.
        delay_seconds: how long a commit is held back before it is applied (0 to 86400).
        deletion_protection: refuse to delete it, by the engine and by AWS.
    """

    primary: Primary
    identifier: str
    aws: AwsSettings
    port: int
    delay_seconds: int = 0
    deletion_protection: bool = True

    @classmethod
    def of(cls, stack: Declaration, primary: Primary, delay_seconds: int = 0) -> Self:
        """As a stack declares it; with a delay the one that still has what was just lost."""
        names = primary.names
        return cls(
            primary=primary,
            identifier=names.delayed if delay_seconds else names.replica,
            aws=stack.settings.aws,
            port=stack.settings.port or PORT,
            delay_seconds=delay_seconds,
            deletion_protection=stack.settings.deletion_protection,
        )


class Replica(pulumi.ComponentResource):
    """Declares a standby in the same region, with logs of its own.

    It declares no roles and no rights: those arrive from the primary like everything else. There
    is no final snapshot of it: RDS makes none of a replica, and all it has is the primary's. What
    goes wrong with it is told by the watch.

    Outputs: host, port.
    """

    host: pulumi.Output[str]
    port: pulumi.Output[int]

    def __init__(
        self, name: str, args: ReplicaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Replica", name, {}, opts)
        primary, given = args.primary, args.aws
        kept = pulumi.ResourceOptions(parent=self, protect=args.deletion_protection)
        logs = declare_logs(
            f"{name}-log", args.identifier, primary.watch_key.arn, given.log_days, kept
        )
        group = primary.parameters
        if args.delay_seconds:
            delay = {"recovery_min_apply_delay": str(args.delay_seconds * 1000)}
            group = declare_parameters(
                f"{name}-parameters",
                family_of(given.engine_version),
                {**primary.server, **delay},
                pulumi.ResourceOptions(parent=self),
            )
        # RDS makes a PostgreSQL replica with its primary's parameters, whatever is asked for, so
        # a group of its own takes a change and a restart once it is there. Nothing else does:
        # the rest is taken at once or, as far as it can only be changed, is as on the primary.
        server = aws.rds.Instance(
            f"{name}-instance",
            identifier=args.identifier,
            replicate_source_db=primary.resource.identifier,
            instance_class=given.replica_class or given.instance_class,
            parameter_group_name=group.name,
            vpc_security_group_ids=[primary.network.database_group.id],
            skip_final_snapshot=True,
            **instance.common(
                given,
                args.port,
                args.deletion_protection,
                primary.storage_key,
                primary.monitoring,
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                # Its identifier is fixed, so two of it cannot be there at the same time.
                delete_before_replace=True,
                depends_on=logs,
            ),
        )
        self.host = server.address
        self.port = server.port
        watch_replica(
            f"{name}-watch",
            "delayed" if args.delay_seconds else "replica",
            args.identifier,
            primary.names,
            given,
            primary.alerts,
            self,
            delay_seconds=args.delay_seconds,
            after=logs,
        )
        self.register_outputs({"host": self.host, "port": self.port})


def replicas(stack: Declaration, primary: Primary) -> dict[str, Replica]:
    """Declare the replicas of a stack: a standby, and a delayed one where the settings say so."""
    found = {"replica": Replica("replica", ReplicaArgs.of(stack, primary))}
    if delay := stack.settings.replica_delay_seconds:
        found["delayed"] = Replica("delayed", ReplicaArgs.of(stack, primary, delay))
    return found
