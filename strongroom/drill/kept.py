"""What drills of a stack came to, kept in its folder: a line each in drills.jsonl."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from strongroom.cluster import journal


class Kind(StrEnum):
    """What was drilled."""

    #: The newest snapshot and the archive were restored beside the stack, and looked at.
    RESTORE = "restore"
    #: The outage was replayed on a scratch copy of the stack.
    OUTAGE = "outage"


@dataclass(frozen=True)
class Kept:
    """One drill.

    Attributes:
        at: when it was over (UTC).
        kind: what was drilled.
        passed: whether all was as it should be.
        seconds: how long it took.
        told: what came of it, in a sentence.
        facts: what was measured, for programs.
    """

    at: datetime
    kind: Kind
    passed: bool
    seconds: float
    told: str
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "at": self.at.isoformat()}

    @property
    def age(self) -> timedelta:
        """How long ago it was."""
        return datetime.now(UTC) - self.at


def file_of(stack: Path) -> Path:
    """Where the drills of a stack are kept."""
    return stack / "drills.jsonl"


def keep(stack: Path, drill: Kept) -> None:
    """Keep what came of a drill.

    Raises:
        StrongroomError: it could not be written.
    """
    journal.append(file_of(stack), json.dumps(drill.dump()))


def kept(stack: Path, kind: Kind | None = None) -> list[Kept]:
    """The drills of a stack, oldest first; all kinds when none is given."""
    found = []
    for line in journal.lines(file_of(stack)):
        try:
            values = json.loads(line.raw)
            at, what = datetime.fromisoformat(values["at"]), Kind(values["kind"])
            found.append(Kept(**{**values, "at": at, "kind": what}))
        except (ValueError, KeyError, TypeError):
            continue  # a line that was cut short
    return [each for each in found if kind in (None, each.kind)]


def problem(stack: Path, every_days: int) -> str | None:
    """What is wrong with the restore drills of a stack; None when nothing is.

    Args:
        stack: its folder.
        every_days: how often they are due; 0 for not at all.
    """
    drills = kept(stack, Kind.RESTORE)
    if not drills:
        return None  # `due` sees to the first one
    last = drills[-1]
    if not last.passed:
        return f"the last restore drill did not pass: {last.told}"
    if every_days and last.age > 2 * timedelta(days=every_days):
        return (
            f"the last restore drill was {last.age.days} days ago, and one is due every "
            f"{every_days} days; `strongroom agent status` says why"
        )
    return None
