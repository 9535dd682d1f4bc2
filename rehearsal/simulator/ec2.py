"""EC2: the description of a rule that names a security group, which moto keeps and never tells."""

from functools import cache
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule


@cache
def install() -> None:
    """Have moto tell it, once in a process."""
    setattr(SecurityGroupRule, "description", property(_description))  # noqa: B010 - it is a property


def _description(self: Any) -> str | None:
    for place in (self.ip_range, self.source_group, self.prefix_list_id):
        if isinstance(place, dict) and place.get("Description"):
            return str(place["Description"])
    return None
