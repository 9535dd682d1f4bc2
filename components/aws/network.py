"""Where the database stands, and from where it can be reached."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from strongroom.aws_names import Names
from strongroom.aws_policies import document

_HTTPS = 443

#: What the function asks AWS for, and through which door of a network that has no other. Its log
#: and its environment do not pass through the network.
_ASKED: Mapping[str, tuple[str, ...]] = {
    "secretsmanager": (
        *("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"),
        *("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"),
        *("secretsmanager:GetRandomPassword", "secretsmanager:RotateSecret"),
    ),
    "rds": ("rds:DescribeDBInstances", "rds:ModifyDBInstance"),
}


@dataclass(frozen=True)
class NetworkArgs:
    """Where the database stands.

    Attributes:
        names: of the stack.
        region: the region.
        port: the database's TCP port.
        vpc: the id of the network to use; empty to make one without a way to the internet.
        subnets: ids of private subnets of `vpc`.
        group: whether the database needs a group of them made; one that is there has its own.
        cidr: the addresses of a network that is made.
        zones: letters of the zones in which it has subnets, up to four.
        clients: ids of the security groups from which the database may be reached.
        flow_role: the ARN of the role that writes what flows to a log.
        key: the ARN of the key that log is encrypted with.
        log_days: days it is kept.
    """

    names: Names
    region: str
    port: int
    flow_role: pulumi.Input[str]
    key: pulumi.Input[str]
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    group: bool = True
    cidr: str = "10.60.0.0/16"
    zones: tuple[str, ...] = ("a", "b", "c")
    clients: tuple[str, ...] = ()
    log_days: int = 365


class Network(pulumi.ComponentResource):
    """Declares where the database stands, and that named security groups are the only way in.

    It refuses ranges of addresses: who may come in has a security group. A network that it makes
    has no way to the internet, in or out; how people and pipelines come near is not its business.

    Outputs: vpc_id. `subnet_ids`, `subnet_group` (its name, if one is made), and three security
    groups: `database_group`, `function_group` (of the function that acts as root) and
    `clients_group`, for whatever else may reach the database.
    """

    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Output[str]]
    subnet_group: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Network", name, {}, opts)
        self._name, self._args = name, args
        self._mine = pulumi.ResourceOptions(parent=self)
        if args.vpc:
            self.vpc_id = pulumi.Output.from_input(args.vpc)
            self.subnet_ids = [pulumi.Output.from_input(each) for each in args.subnets]
        else:
            self._make()
        self.subnet_group = None
        if args.group:
            self.subnet_group = aws.rds.SubnetGroup(
                f"{name}-subnets",
                description=f"Private subnets of {args.names.stem}",
                subnet_ids=self.subnet_ids,
                opts=self._mine,
            ).name
        self.database_group = self._group("database", "The database: only named groups come in")
        self.function_group = self._group("function", "The function that acts as root")
        self.clients_group = self._group("clients", "May reach the database")
        self._doors()
        self.register_outputs({"vpc_id": self.vpc_id})

    @property
    def clients(self) -> list[pulumi.Output[str]]:
        """Ids of the security groups from which the database may be reached."""
        given = [pulumi.Output.from_input(each) for each in self._args.clients]
        return [self.clients_group.id, *given]

    def _make(self) -> None:
        name, args = self._name, self._args
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tagged(""),
            opts=self._mine,
        )
        self.vpc_id = vpc.id
        # Every network comes with one that lets everything out, and its members in.
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default", vpc_id=vpc.id, ingress=[], egress=[], opts=self._mine
        )
        routes = aws.ec2.RouteTable(
            f"{name}-routes", vpc_id=vpc.id, tags=self._tagged("database"), opts=self._mine
        )
        blocks = ipaddress.IPv4Network(args.cidr).subnets(prefixlen_diff=2)
        subnets = [
            self._subnet(zone, str(block), vpc.id, routes.id)
            for zone, block in zip(args.zones, blocks, strict=False)
        ]
        self.subnet_ids = [each.id for each in subnets]
        log = aws.cloudwatch.LogGroup(
            f"{name}-flow",
            name=f"/{args.names.path('flow')}",
            kms_key_id=args.key,
            retention_in_days=args.log_days,
            # Its name is fixed, so two of it cannot be there at the same time.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        aws.ec2.FlowLog(
            f"{name}-flow",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log.arn,
            iam_role_arn=args.flow_role,
            opts=self._mine,
        )

    def _subnet(
        self, zone: str, cidr: str, vpc: pulumi.Output[str], routes: pulumi.Output[str]
    ) -> aws.ec2.Subnet:
        subnet = aws.ec2.Subnet(
            f"{self._name}-{zone}",
            vpc_id=vpc,
            cidr_block=cidr,
            availability_zone=f"{self._args.region}{zone}",
            map_public_ip_on_launch=False,
            tags=self._tagged(zone),
            opts=self._mine,
        )
        aws.ec2.RouteTableAssociation(
            f"{self._name}-{zone}", subnet_id=subnet.id, route_table_id=routes, opts=self._mine
        )
        return subnet

    def _group(self, what: str, description: str) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self._name}-{what}",
            vpc_id=self.vpc_id,
            description=description,
            tags=self._tagged(what),
            opts=self._mine,
        )

    def _doors(self) -> None:
        args, port = self._args, self._args.port
        database = self.database_group.id
        self._in("database", "function", self.function_group.id, database, port)
        self._in("database", "clients", self.clients_group.id, database, port)
        for client in args.clients:
            self._in("database", client, client, database, port)
        self._out("function", "database", self.function_group.id, port, to=database)
        self._out("clients", "database", self.clients_group.id, port, to=database)
        if args.vpc:
            # How its subnets reach AWS is that network's business: its own endpoints, or a NAT.
            self._out("function", "aws", self.function_group.id, _HTTPS)
        else:
            self._endpoints()

    def _endpoints(self) -> None:
        name, args = self._name, self._args
        group = self._group("endpoints", "Doors to services of AWS")
        self._in("endpoints", "function", self.function_group.id, group.id, _HTTPS)
        self._out("function", "endpoints", self.function_group.id, _HTTPS, to=group.id)
        for service, actions in _ASKED.items():
            statement = {"Effect": "Allow", "Principal": "*", "Resource": "*"}
            policy = document({**statement, "Action": actions})
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{args.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=self.subnet_ids,
                security_group_ids=[group.id],
                policy=json.dumps(policy),
                tags=self._tagged(service),
                opts=self._mine,
            )

    def _in(
        self, at: str, who: str, source: pulumi.Input[str], group: pulumi.Input[str], port: int
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{at}-from-{who}",
            security_group_id=group,
            referenced_security_group_id=source,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"From {who}",
            opts=self._mine,
        )

    def _out(
        self,
        who: str,
        where: str,
        group: pulumi.Input[str],
        port: int,
        to: pulumi.Input[str] | None = None,
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{who}-to-{where}",
            security_group_id=group,
            referenced_security_group_id=to,
            cidr_ipv4=None if to else "0.0.0.0/0",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"To {where}",
            opts=self._mine,
        )

    def _tagged(self, what: str) -> dict[str, str]:
        """What the console shows; the name itself is the engine's, so that a new one fits."""
        return {"Name": self._args.names.of(what) if what else self._args.names.stem}
