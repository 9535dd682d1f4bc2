"""An instance that was there before the stack: what is left of it as it was found."""

from typing import Any

from strongroom.aws_settings import AwsSettings

#: What RDS cannot change, or what is nobody's business here: tags that bills are sorted by.
KEPT = (
    "db_name",
    "db_subnet_group_name",
    "kms_key_id",
    "performance_insights_kms_key_id",
    "tags",
)


def taken_over(settings: AwsSettings, port: int) -> dict[str, Any]:
    """What `strongroom:aws:Lasting` looks at an instance for, when there is one to take over.

    Args:
        settings: the stack's.
        port: TCP port.
    """
    if not settings.existing.identifier:
        return {}
    return {
        "existing": {
            "identifier": settings.existing.identifier,
            "master": settings.existing.master,
            "region": settings.region,
            "port": str(port),
            "instanceClass": settings.instance_class,
        }
    }
