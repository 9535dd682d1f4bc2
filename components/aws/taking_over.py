"""An instance that was there before the stack: what is left of it as it was found."""

from typing import Any

from strongroom.aws_settings import AwsSettings

#: What RDS cannot change; the kind of storage, which it changes for hours or days without taking
#: anything else; and tags, by which others sort their bills.
_KEPT = (
    *("db_name", "db_subnet_group_name", "kms_key_id", "performance_insights_kms_key_id"),
    *("storage_type", "iops", "storage_throughput", "tags"),
)


def left_alone(settings: AwsSettings) -> tuple[str, ...]:
    """Properties of the instance that stay what they are, whatever is declared.

    Args:
        settings: the stack's.
    """
    if not settings.existing.identifier:
        return ()
    # It is known by the minor version it has. To be told "17" would make RDS go to another one.
    minor = "." in settings.engine_version
    return _KEPT if minor or settings.major_upgrade else (*_KEPT, "engine_version")


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
