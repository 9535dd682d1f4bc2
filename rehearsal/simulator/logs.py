"""CloudWatch Logs: the key of a log group that was there before, which moto never changes."""

from functools import cache
from typing import Any

from moto.logs.responses import LogsResponse


@cache
def install() -> None:
    """Put this into moto, once in a process."""

    def associate_kms_key(self: Any) -> str:
        group = self.logs_backend.groups[self._get_param("logGroupName")]
        group.kms_key_id = self._get_param("kmsKeyId")
        return ""

    setattr(LogsResponse, "associate_kms_key", associate_kms_key)  # noqa: B010 - mypy
