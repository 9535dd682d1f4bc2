"""Declaring what is counted in an instance's log, and the watch of one replica."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.aws.alarm_table import instance_alarms, replica_alarms
from components.aws.alarms import declare_alarms
from components.aws.log_alarms import metric_on, refusal_alarms
from components.aws.log_patterns import ON_A_REPLICA, LogPattern
from strongroom.aws_names import Names
from strongroom.aws_settings import AwsSettings


def count_in_log(
    name: str,
    patterns: Sequence[LogPattern],
    where: str,
    identifier: str,
    names: Names,
    options: pulumi.ResourceOptions,
) -> None:
    """Declare a metric filter for each pattern of an instance's log.

    Args:
        name: what the resources' names begin with.
        patterns: what is looked for.
        where: which instance it is: ``primary``, ``replica`` or ``delayed``.
        identifier: the instance's.
        names: of the stack.
        options: parent, and what has to be there before: the log group.
    """
    for each in patterns:
        aws.cloudwatch.LogMetricFilter(
            f"{name}-{each.name}",
            name=names.of(f"{where}-{each.name}"),
            log_group_name=names.log_group(identifier),
            pattern=each.pattern,
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                name=metric_on(where, each.metric),
                namespace=names.metrics,
                value="1",
                # While there is a log, nothing found is nothing, not silence.
                default_value="0",
            ),
            opts=options,
        )


def watch_replica(
    name: str,
    where: str,
    identifier: str,
    names: Names,
    settings: AwsSettings,
    topic: pulumi.Input[str],
    parent: pulumi.Resource,
    *,
    delay_seconds: int = 0,
    after: Sequence[pulumi.Resource] = (),
) -> None:
    """Declare the alarms of a replica, and what is counted in its log.

    Args:
        name: what the resources' names begin with.
        where: ``replica`` or ``delayed``.
        identifier: the instance's.
        names: of the stack.
        settings: of AWS.
        topic: the ARN of the topic.
        parent: the component of the replica.
        delay_seconds: how far it is behind on purpose.
        after: what has to be there before: the log group.
    """
    size = settings.replica_class or settings.instance_class
    alarms = (
        *instance_alarms(where, identifier, size, settings.storage_gb),
        *replica_alarms(where, identifier, delay_seconds),
        *refusal_alarms(names, where, identifier),
    )
    declare_alarms(name, alarms, names, topic, parent)
    options = pulumi.ResourceOptions(
        parent=parent, depends_on=list(after), delete_before_replace=True
    )
    count_in_log(name, ON_A_REPLICA, where, identifier, names, options)
