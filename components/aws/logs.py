"""Where an instance's log goes, made before the instance, which would make it without an end."""

import pulumi
import pulumi_aws as aws

from strongroom.aws_names import Names

#: What an instance hands over: PostgreSQL's own log, and that of a major upgrade.
EXPORTS = ("postgresql", "upgrade")


def declare_logs(
    name: str, identifier: str, key: pulumi.Input[str], days: int, opts: pulumi.ResourceOptions
) -> list[aws.cloudwatch.LogGroup]:
    """Declare the logs an instance writes.

    Args:
        name: what the resources' names begin with.
        identifier: the instance's.
        key: the ARN of the key they are encrypted with.
        days: days they are kept.
        opts: whose children they are, and whether they are protected.
    """
    return [
        aws.cloudwatch.LogGroup(
            f"{name}-{export}",
            name=Names.log_group(identifier, export),
            kms_key_id=key,
            retention_in_days=days,
            opts=opts,
        )
        for export in EXPORTS
    ]
