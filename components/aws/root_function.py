"""The function that acts as root on AWS: where it runs, and when it is called."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pulumi
import pulumi_aws as aws

from components.aws.primary import Primary
from components.aws.root_access import FunctionAccess
from strongroom.aws_settings import AwsSettings
from strongroom.bootstrap.asking import LOOK
from strongroom.bootstrap.steps import Foundation
from strongroom.packing import LAMBDA, Packed
from strongroom.packing.modules import HANDLER
from strongroom.packing.packing import AUTHORITIES

# The longest Lambda lets a function run, seconds: RDS takes minutes to change its master.
_PATIENCE = 900
_MEMORY_MB = 512


@dataclass(frozen=True)
class RootFunctionArgs:
    """What the function is made from.

    Attributes:
        primary: the server whose root it acts as.
        code: the archive.
        foundation: what it lays there.
        settings: the region, and days its log is kept.
        role: what it runs as.
        secret: where the password is.
        key: what the secret is encrypted with.
        queue: tells of openings; None when nobody may open the secret.
    """

    primary: Primary
    code: Packed
    foundation: Foundation
    settings: AwsSettings
    role: aws.iam.Role
    secret: aws.secretsmanager.Secret
    key: aws.kms.Key
    queue: aws.sqs.Queue | None = None

    @property
    def told(self) -> str:
        """The foundation as the function reads it."""
        fields = asdict(self.foundation)
        del fields["replicator"]  # RDS has one of its own
        return json.dumps(fields, sort_keys=True)


class RootFunction(pulumi.ComponentResource):
    """Declares the function, its own log, and an alarm for when it fails.

    It has no way in but being called, and none out but to the database and to AWS from within the
    network.

    Outputs: arn.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: RootFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:RootFunction", name, {}, opts)
        self._name, self._args = name, args
        primary = args.primary
        # Its name is fixed, so two of it cannot be there at the same time.
        fixed = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/aws/lambda/{primary.names.function}",
            kms_key_id=primary.watch_key.arn,
            retention_in_days=args.settings.log_days,
            opts=fixed,
        )
        access = self._allow(logs)
        self._function = aws.lambda_.Function(
            f"{name}-code",
            name=primary.names.function,
            description="Acts as root of the database: foundation, rotation, leavers",
            code=pulumi.FileArchive(args.code.path),
            handler=HANDLER,
            runtime=f"python{LAMBDA.python}",
            architectures=[LAMBDA.machine],
            role=args.role.arn,
            timeout=_PATIENCE,
            memory_size=_MEMORY_MB,
            vpc_config={
                "subnet_ids": primary.network.subnet_ids,
                "security_group_ids": [primary.network.function_group.id],
            },
            environment={
                "variables": {
                    "STRONGROOM_HOST": primary.host,
                    "STRONGROOM_PORT": primary.port.apply(str),
                    "STRONGROOM_INSTANCE": primary.identifier,
                    "STRONGROOM_MASTER": args.settings.existing.master,
                    "STRONGROOM_TRUSTED": f"/var/task/{AUTHORITIES}",
                    "STRONGROOM_SECRET": args.secret.arn,
                    "STRONGROOM_FOUNDATION": args.told,
                }
            },
            logging_config={"log_format": "JSON", "log_group": logs.name},
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, depends_on=[access]
            ),
        )
        self.arn = self._function.arn
        self._callers()
        self.register_outputs({"arn": self.arn})

    def bootstrap(self, opts: pulumi.ResourceOptions) -> aws.lambda_.Invocation:
        """Have it make root's first password and lay the foundation; again when either changes.

        Args:
            opts: whose child the call is, and what has to be there before.
        """
        args = self._args
        lays = hashlib.sha256(args.told.encode()).hexdigest()[:12]
        triggers = {"code": args.code.digest, "foundation": lays}
        return self._call("bootstrap", {**triggers, "instance": args.primary.resource_id}, opts)

    def rotate(self, asked: str, opts: pulumi.ResourceOptions) -> aws.lambda_.Invocation:
        """Have it rotate whenever `asked`, any text, is another one."""
        return self._call("rotate", {"asked": asked}, opts)

    def _call(
        self, action: str, triggers: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> aws.lambda_.Invocation:
        return aws.lambda_.Invocation(
            f"{self._name}-{action}",
            function_name=self._function.name,
            input=json.dumps({"Action": action}),
            triggers=triggers,
            opts=opts,
        )

    def _allow(self, logs: aws.cloudwatch.LogGroup) -> aws.iam.RolePolicy:
        """What it may do."""
        args = self._args
        policy = pulumi.Output.all(
            role=args.role.arn,
            region=args.settings.region,
            function=args.primary.names.function,
            secret=args.secret.arn,
            key=args.key.arn,
            instance=args.primary.arn,
            logs=logs.arn,
            queue=args.queue.arn if args.queue else "",
        ).apply(lambda arns: FunctionAccess(**arns).policy())
        opts = pulumi.ResourceOptions(parent=self)
        name = f"{self._name}-access"
        return aws.iam.RolePolicy(name, role=args.role.id, policy=policy, opts=opts)

    def _callers(self) -> None:
        """Who calls it besides the engine, and who hears when it fails."""
        args, names, mine = (
            self._args,
            self._args.primary.names,
            pulumi.ResourceOptions(parent=self),
        )
        fixed = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        aws.lambda_.Permission(
            f"{self._name}-rotates",
            action="lambda:InvokeFunction",
            function=self._function.name,
            principal="secretsmanager.amazonaws.com",
            source_arn=args.secret.arn,
            opts=mine,
        )
        aws.lambda_.Alias(
            f"{self._name}-look",
            name=LOOK,
            description="Tells what leavers would leave behind, and does nothing",
            function_name=self._function.name,
            function_version="$LATEST",
            opts=fixed,
        )
        if args.queue:
            aws.lambda_.EventSourceMapping(
                f"{self._name}-opened",
                event_source_arn=args.queue.arn,
                function_name=self.arn,
                opts=mine,
            )
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-failed",
            name=names.of("root-failed"),
            alarm_description="Root's function failed: root's password may be older than it should "
            f"be, or a leaver still there. Its log, /aws/lambda/{names.function}, says why.",
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions={"FunctionName": self._function.name},
            statistic="Sum",
            period=300,
            evaluation_periods=1,
            threshold=0,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[args.primary.alerts],
            opts=fixed,
        )
