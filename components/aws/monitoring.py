"""Roles by which AWS itself writes down what goes on."""

import pulumi
import pulumi_aws as aws

from components.aws.keys import account_of
from strongroom.aws_policies import assumed_by, document

_WRITING = (
    *("logs:CreateLogStream", "logs:PutLogEvents"),
    *("logs:DescribeLogGroups", "logs:DescribeLogStreams"),
)


def monitoring_role(name: str, partition: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The ARN of the role by which RDS writes what the operating system does."""
    role = _role(name, "monitoring.rds.amazonaws.com", parent)
    attached = aws.iam.RolePolicyAttachment(
        name,
        role=role.name,
        policy_arn=f"arn:{partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
        opts=pulumi.ResourceOptions(parent=role),
    )
    # RDS tries it when it is told, so it has to be able by then.
    return pulumi.Output.all(role.arn, attached.id).apply(lambda both: str(both[0]))


def flow_role(
    name: str, partition: str, region: str, group: str, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The ARN of the role by which a network writes what flows, to the log `group` and no other."""
    role = _role(name, "vpc-flow-logs.amazonaws.com", parent)
    account = account_of(role.arn)
    log = pulumi.Output.format(
        "arn:{0}:logs:{1}:{2}:log-group:{3}", partition, region, account, group
    )
    statement = {
        "Effect": "Allow",
        "Action": list(_WRITING),
        "Resource": [log, pulumi.Output.format("{0}:*", log)],
    }
    written = aws.iam.RolePolicy(
        name,
        role=role.id,
        policy=pulumi.Output.json_dumps(document(statement)),
        opts=pulumi.ResourceOptions(parent=role),
    )
    return pulumi.Output.all(role.arn, written.id).apply(lambda both: str(both[0]))


def _role(name: str, service: str, parent: pulumi.Resource) -> aws.iam.Role:
    return aws.iam.Role(
        name,
        description=f"Assumed by {service}",
        assume_role_policy=assumed_by(service),
        opts=pulumi.ResourceOptions(parent=parent),
    )
