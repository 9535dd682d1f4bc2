"""What holds the data, or opens it, is not deleted by a slip."""

from collections.abc import Iterator

from policy.resource import Resource
from policy.rule import rule
from policy.rules.types import (
    INSTANCE,
    KEY,
    LOCAL_PRIMARY,
    LOCAL_REPLICA,
    ROTATION,
    SECRET,
    VAULT,
)
from policy.stack import Stack


@rule(
    "protected",
    "Primary, replicas, vaults, secrets and keys are protected",
    remedy="Set protect=True in its options; whoever means to delete it runs "
    "`pulumi state unprotect` first",
    on=(INSTANCE, VAULT, SECRET, KEY),
)
def protected(resource: Resource, _: Stack) -> Iterator[str]:
    """The engine's own protection, beside the platform's."""
    if not resource.protect:
        yield "protect is off: a changed program deletes it at the next up"


@rule(
    "local-protected",
    "Local servers are protected as long as deletionProtection is on",
    remedy="Set protect=True in its options, or deletionProtection to false",
    on=(LOCAL_PRIMARY, LOCAL_REPLICA),
)
def local_protected(resource: Resource, stack: Stack) -> Iterator[str]:
    """The same on this machine, where the setting says so."""
    if stack.deletion_protection and not resource.protect:
        yield "protect is off, and deletionProtection is on"


@rule(
    "key-rotates",
    "Keys are rotated",
    remedy="Set enable_key_rotation=True",
    controls=("KMS.4",),
    on=(KEY,),
)
def key_rotates(key: Resource, _: Stack) -> Iterator[str]:
    """Rotation of what it is made of; only symmetric keys have it."""
    symmetric = key.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
    if symmetric and key.is_off("enableKeyRotation"):
        yield "enable_key_rotation is off"


@rule(
    "secret-rotates",
    "Root's password is rotated every 90 days or sooner",
    remedy="Set rootPasswordMaxAgeDays (rotation_rules.automatically_after_days) to 90 or less",
    controls=("SecretsManager.4",),
    on=(ROTATION,),
)
def secret_rotates(rotation: Resource, _: Stack) -> Iterator[str]:
    """A schedule; one that is no number of days is taken as it is."""
    rules = rotation.get("rotationRules", {})
    days = rules.get("automaticallyAfterDays", 0) if isinstance(rules, dict) else 0
    if isinstance(days, int) and days > 90:
        yield f"automatically_after_days is {days}"
