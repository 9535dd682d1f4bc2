"""The production database on AWS."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import pulumi
import pulumi_aws as aws
from pulumi.output import UNKNOWN

from components.aws import instance
from components.aws.keys import account_of, allow, declare_key, policy_of
from components.aws.logs import declare_logs
from components.aws.monitoring import flow_role, monitoring_role
from components.aws.network import Network, NetworkArgs
from components.aws.parameters import declare_parameters, family_of, parameters
from components.aws.subscriptions import subscribe
from components.aws.taking_over import left_alone, taken_over
from components.aws.topic import PUBLISHERS, Topic, TopicArgs
from strongroom.aws_names import Names, partition_of
from strongroom.aws_settings import PORT, AwsSettings
from strongroom.declaration import Declaration
from strongroom.home import Home
from strongroom.provider import sdk
from strongroom.tiers import PROVISIONER


@dataclass(frozen=True)
class PrimaryArgs:
    """What the primary is made from.

    Attributes:
        environment: the stack's name, of which its resources' names are made.
        database: the application's database.
        aws: what the stack has on AWS.
        authorities: the PEM file with the certificates of RDS's authorities.
        port: TCP port.
        server: settings of PostgreSQL beside Strongroom's own.
        deletion_protection: refuse to delete or replace it, by the engine and by AWS.
    """

    environment: str
    database: str
    aws: AwsSettings
    authorities: Path
    port: int = PORT
    server: Mapping[str, str] = field(default_factory=dict)
    deletion_protection: bool = True

    @classmethod
    def of(cls, stack: Declaration) -> Self:
        """As a stack declares it."""
        settings = stack.settings
        return cls(
            environment=stack.environment,
            database=settings.database,
            aws=settings.aws,
            authorities=Home.find().checkout / settings.aws.authorities,
            port=settings.port or PORT,
            server=dict(settings.server),
            deletion_protection=settings.deletion_protection,
        )


class Primary(pulumi.ComponentResource):
    """Declares the instance that holds the application's database, with network, keys and logs.

    It refuses to be deleted or replaced while `deletion_protection` is on, and says in a preview
    what would do so. When it goes it leaves a snapshot behind, and the key to read it. The first
    password of root is the engine's for minutes only: `RootSecret` sets another. Roles, schemas
    and rights are not made here but by `Access`. An instance that was there before is taken over
    as it is: what RDS cannot change of it is left alone, and the preview says what does not fit.

    Outputs: host, port, database. `resource` is the instance, for whatever ends with it;
    `arn`, `resource_id`, `storage_key` (an ARN), `subnet_group` (a name), `watch_key` (of logs and
    alarms), `monitoring` (the ARN of a role), `parameters` (a group), `network`, and `alerts`, the
    ARN of the topic every alarm goes to, are for the other components, as are the plain `names`,
    `identifier`, `log_group` and `server`.
    """

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    database: pulumi.Output[str]
    arn: pulumi.Output[str]
    resource_id: pulumi.Output[str]
    storage_key: pulumi.Output[str]
    subnet_group: pulumi.Output[str]
    alerts: pulumi.Output[str]

    def __init__(
        self, name: str, args: PrimaryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Primary", name, {}, opts)
        self._name, self._args = name, args
        self.names = Names(args.environment, args.aws.existing.identifier)
        self.identifier = self.names.primary
        self.log_group = self.names.log_group(self.identifier)
        self._surroundings()
        self.server = parameters(args.database, args.aws.storage_gb, args.server)
        self.parameters = declare_parameters(
            f"{name}-parameters",
            family_of(args.aws.engine_version),
            self.server,
            pulumi.ResourceOptions(parent=self),
        )
        self.resource = self._instance()
        subscribe(f"{name}-told", self.names, self.alerts, self.resource, self)
        self.host = self.resource.address
        self.port = self.resource.port
        self.database = self.resource.db_name
        if args.aws.existing.identifier:
            # RDS knows only of a database it made itself, and most were made in SQL.
            self.database = pulumi.Output.from_input(args.database)
        self.storage_key = self.resource.kms_key_id
        self.subnet_group = self.resource.db_subnet_group_name
        self.arn = self.resource.arn
        self.resource_id = self.resource.resource_id
        self.register_outputs({"host": self.host, "port": self.port, "database": self.database})

    def _surroundings(self) -> None:
        """Keys, roles, topic, network: what the instance needs to be there."""
        name, args, names = self._name, self._args, self.names
        region, partition = args.aws.region, partition_of(args.aws.region)
        self.monitoring = monitoring_role(f"{name}-monitoring", partition, self)
        account = account_of(self.monitoring)
        # Snapshots outlive the stack; without their key they would be noise.
        lasting = pulumi.ResourceOptions(
            parent=self, protect=args.deletion_protection, retain_on_delete=True
        )
        self._key = None
        if not args.aws.existing.identifier:
            self._key = declare_key(
                f"{name}-key",
                names.path("storage"),
                f"Storage and snapshots of {names.stem}",
                policy_of(partition, account),
                lasting,
            ).arn
        log = pulumi.Output.format("arn:{0}:logs:{1}:{2}:log-group:*", partition, region, account)
        logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log}}
        use = ["kms:Decrypt", "kms:GenerateDataKey*"]
        self.watch_key = declare_key(
            f"{name}-watch-key",
            names.path("watch"),
            f"Logs and alarms of {names.stem}",
            policy_of(
                partition,
                account,
                allow(
                    [f"logs.{region}.amazonaws.com"],
                    [*use, "kms:Encrypt", "kms:ReEncrypt*", "kms:Describe*"],
                    logs,
                ),
                allow(PUBLISHERS, use),
            ),
            pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )
        mine = pulumi.ResourceOptions(parent=self)
        contacts = args.aws.contacts
        topic = TopicArgs(names, self.watch_key.arn, account, contacts)
        self.alerts = Topic(f"{name}-alerts", topic, mine).arn
        self.network = Network(f"{name}-network", self._network(partition), mine)

    def _network(self, partition: str) -> NetworkArgs:
        args, given = self._args, self._args.aws
        log = f"/{self.names.path('flow')}"
        writer = None
        if not given.vpc:
            writer = flow_role(f"{self._name}-flow", partition, given.region, log, self)
        return NetworkArgs(
            names=self.names,
            region=given.region,
            port=args.port,
            vpc=given.vpc,
            subnets=given.subnets,
            group=not given.existing.identifier,
            cidr=given.cidr,
            zones=given.zones,
            clients=given.clients,
            flow_role=writer or "",
            key=self.watch_key.arn,
            log_days=given.log_days,
        )

    def _instance(self) -> aws.rds.Instance:
        name, args, given = self._name, self._args, self._args.aws
        logs = declare_logs(
            f"{name}-log",
            self.identifier,
            self.watch_key.arn,
            given.log_days,
            pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )
        lasting = sdk.Lasting(
            f"{name}-lasting",
            {
                "database": args.database,
                "network": given.vpc or given.cidr,
                "zones": [] if given.vpc else list(given.zones),
                "engine_version": given.engine_version,
                "major_upgrade": given.major_upgrade,
                "storage_gb": given.storage_gb,
                "protected": args.deletion_protection,
                **taken_over(given, args.port),
            },
            pulumi.ResourceOptions(parent=self),
        )
        final = pulumi.Output.concat(self.identifier, "-final-", lasting.suffix)
        return aws.rds.Instance(
            f"{name}-instance",
            identifier=self.identifier,
            engine="postgres",
            engine_version=given.engine_version,
            allow_major_version_upgrade=given.major_upgrade,
            instance_class=given.instance_class,
            allocated_storage=given.storage_gb,
            multi_az=given.multi_az,
            db_name=None if given.existing.identifier else args.database,
            username=given.existing.master,
            password=_first_password(),
            db_subnet_group_name=self.network.subnet_group,
            vpc_security_group_ids=[self.network.database_group.id],
            parameter_group_name=self.parameters.name,
            backup_retention_period=given.backup_days,
            backup_window=given.backup_window,
            delete_automated_backups=False,
            skip_final_snapshot=False,
            final_snapshot_identifier=final,
            **instance.common(
                given, args.port, args.deletion_protection, self._key, self.monitoring
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                # Its identifier is fixed, so two of it cannot be there at the same time.
                delete_before_replace=True,
                depends_on=logs,
                # The function's business from the first minute on.
                ignore_changes=["password", *left_alone(given)],
            ),
        )

    def sign_in(self) -> dict[str, pulumi.Input[str]]:
        """How the provisioner connects: libpq parameters, and where its token comes from."""
        return {
            "host": self.host,
            "port": self.port.apply(str),
            "dbname": self.database,
            "user": PROVISIONER,
            "sslmode": "verify-full",
            "sslrootcert": str(self._args.authorities),
            "aws_region": self._args.aws.region,
        }

    def provisioner_settings(self) -> dict[str, Any]:
        """The same for the provider of pulumi_postgresql's resources."""
        return {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "username": PROVISIONER,
            "sslmode": "verify-full",
            "sslrootcert": str(self._args.authorities),
            "aws_rds_iam_auth": True,
            "aws_rds_iam_region": self._args.aws.region,
            "superuser": False,
            "connect_timeout": 15,
            # Several resources at once, without queueing the application behind them; with one
            # connection the official plugin can wait for itself.
            "max_connections": 4,
        }


def _first_password() -> pulumi.Output[str]:
    """What root has until `RootSecret` is there: another one in every run, and kept by nobody.

    An update that is held to a reviewed plan may only bring values that the plan does not know.
    """
    unknown = cast("str", UNKNOWN)
    return pulumi.Output.secret(
        unknown if pulumi.runtime.is_dry_run() else secrets.token_urlsafe(32)
    )
