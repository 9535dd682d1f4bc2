"""What RDS itself tells of a primary."""

import pulumi
import pulumi_aws as aws

from strongroom.aws_names import Names

#: What RDS tells of the primary; the rest of its categories are daily business.
_TOLD = (
    *("availability", "backup", "configuration change", "deletion", "failover", "failure"),
    *("low storage", "maintenance", "notification", "read replica", "recovery", "restoration"),
)


def subscribe(
    name: str,
    names: Names,
    topic: pulumi.Input[str],
    instance: aws.rds.Instance,
    parent: pulumi.Resource,
) -> None:
    """Declare that RDS tells a topic what it does with a primary, and who changes its groups.

    Each takes half a minute to come and to go, however quick RDS is: they wait for the instance
    alone, so that they do so beside its replicas.

    Args:
        name: what the resources' names begin with.
        names: of the stack.
        topic: the ARN of the topic.
        instance: the primary.
        parent: the component it belongs to.
    """
    # Their names are fixed, so two of one cannot be there at the same time.
    options = pulumi.ResourceOptions(
        parent=parent, depends_on=[instance], delete_before_replace=True
    )
    aws.rds.EventSubscription(
        f"{name}-instance",
        name=names.of("instance"),
        sns_topic=topic,
        source_type="db-instance",
        source_ids=[names.primary],
        event_categories=list(_TOLD),
        opts=options,
    )
    # Of all parameter and security groups: these have no names that are known before.
    for kind, categories in (
        ("parameter-group", ["configuration change"]),
        ("security-group", ["configuration change", "failure"]),
    ):
        aws.rds.EventSubscription(
            f"{name}-{kind}",
            name=names.of(kind),
            sns_topic=topic,
            source_type=f"db-{kind}",
            event_categories=categories,
            opts=options,
        )
