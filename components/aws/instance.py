"""What every instance of a stack has, primary or replica."""

from typing import Any

import pulumi

from components.aws.logs import EXPORTS
from strongroom.aws_settings import AwsSettings

#: The authority whose certificate an instance shows; good until 2061, and the one the PEM file of
#: `AwsSettings.authorities` has to hold.
AUTHORITY = "rds-ca-rsa2048-g1"

#: Seconds between two looks at the operating system.
_MONITORED_EVERY = 60


def common(
    aws: AwsSettings,
    port: int,
    deletion_protection: bool,
    key: pulumi.Input[str] | None,
    monitoring: pulumi.Input[str],
) -> dict[str, Any]:
    """Arguments of `aws.rds.Instance` that primary and replicas share.

    Args:
        aws: the stack's settings.
        port: TCP port.
        deletion_protection: refuse to delete it, by AWS as well.
        key: the ARN of the key of its storage, its snapshots and Performance Insights; None
            leaves them what they are.
        monitoring: the ARN of the role that writes what the operating system does.
    """
    return {
        "port": port,
        "storage_encrypted": True,
        "kms_key_id": key,
        "storage_type": "gp3",
        "max_allocated_storage": aws.storage_max_gb,
        "publicly_accessible": False,
        "iam_database_authentication_enabled": True,
        "ca_cert_identifier": AUTHORITY,
        "maintenance_window": aws.maintenance_window,
        "auto_minor_version_upgrade": True,
        "apply_immediately": aws.apply_immediately,
        "copy_tags_to_snapshot": True,
        "deletion_protection": deletion_protection,
        "enabled_cloudwatch_logs_exports": list(EXPORTS),
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": key,
        "performance_insights_retention_period": aws.insights_days,
        "monitoring_interval": _MONITORED_EVERY,
        "monitoring_role_arn": monitoring,
    }
