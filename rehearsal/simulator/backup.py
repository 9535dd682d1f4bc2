"""AWS Backup: vaults with lock and policy, plans with selections, restore testing, tags.

moto has vaults and plans but neither policies, selections nor restore testing, never changes a
plan, and takes a selection's path for a plan's; so this serves the whole service. It keeps what it
is told and does nothing: no backup is taken. Each region has its own (moto's do as well).
"""

import re

from rehearsal.simulator import backup_plans, backup_testing, backup_vaults
from rehearsal.simulator.backup_held import Document, Region, Route
from rehearsal.simulator.calls import Call, RefusedError


class Backup:
    """The service, for every region."""

    def __init__(self) -> None:
        self._regions: dict[str, Region] = {}

    def answer(self, call: Call) -> Document:
        """Answer a call.

        Raises:
            RefusedError: what it asks for is not there, or not served.
        """
        region = self._regions.setdefault(call.scope.region, Region())
        for method, path, answer in _ROUTES:
            known = re.fullmatch(path, call.path)
            if known and method == call.method:
                return answer(region, call, *known.groups())
        raise RefusedError("UnknownOperationException", f"{call.method} {call.path}", 501)


def _tags(region: Region, _: Call, arn: str) -> Document:
    return {"Tags": region.tags.get(arn, {})}


def _tag(region: Region, call: Call, arn: str) -> Document:
    region.tags.setdefault(arn, {}).update(call.body.get("Tags") or {})
    return {}


def _untag(region: Region, call: Call, arn: str) -> Document:
    for key in call.body.get("TagKeyList", ()):
        region.tags.get(arn, {}).pop(key, None)
    return {}


_ROUTES: tuple[Route, ...] = (
    *backup_vaults.ROUTES,
    *backup_plans.ROUTES,
    *backup_testing.ROUTES,
    ("GET", "/tags/(.+)", _tags),
    ("POST", "/tags/(.+)", _tag),
    ("POST", "/untag/(.+)", _untag),
)
