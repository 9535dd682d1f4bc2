"""The report: what was cut off at a point, what was committed just before it, what does not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from strongroom.cluster.cluster import Cluster
from strongroom.reconcile.remains import Remains
from strongroom.recovery.situation import Situation
from strongroom.recovery.target import Target


class State(StrEnum):
    """How a check went."""

    CLEAN = "clean"
    FOUND = "found"
    FAILED = "not run"


@dataclass(frozen=True)
class Check:
    """One check and what it found.

    Attributes:
        name: of the check; for the team's own the name of its file.
        about: what it looks for, in a sentence.
        state: how it went.
        rows: the first offending rows, text by column.
        count: how many there are.
        capped: whether there may be more than `count`.
        problem: why it could not be run to its end.
        remark: what else is worth knowing.
    """

    name: str
    about: str
    state: State
    rows: tuple[Mapping[str, str | None], ...] = ()
    count: int = 0
    capped: bool = False
    problem: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Report:
    """What to look at.

    Attributes:
        database: the database that was checked.
        made: when (UTC).
        remains: what was left behind at the point; None when there is no point to speak of.
        checks: all that were run, built-in ones first.
        unknown: what cannot be known, and why.
    """

    database: str
    made: datetime
    remains: Remains | None
    checks: tuple[Check, ...]
    unknown: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look at, and everything could be seen."""
        seen = self.remains is None or not (self.remains.lost or self.remains.blind)
        return seen and all(check.state is State.CLEAN for check in self.checks)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "database": self.database,
            "made": self.made.isoformat(),
            "clean": self.clean,
            "remains": self.remains.dump() if self.remains else None,
            "checks": [asdict(check) for check in self.checks],
            "unknown": list(self.unknown),
        }

    def markdown(self, people: Mapping[str, str] | None = None) -> str:
        """As people read it.

        Args:
            people: what is known of roles by their names, such as ``Ada Okonkwo, senior``.
        """
        raise NotImplementedError


def reconcile(
    situation: Situation,
    database: str,
    *,
    target: Target | None = None,
    last: int = 10,
    checks: Sequence[Path] = (),
    cluster: Cluster | None = None,
    timeout: int = 60,
) -> Report:
    """Tell what to look at; changes nothing.

    Args:
        situation: the stack.
        database: the one that is checked.
        target: the point; None for that of the last recovery, or before the latest event.
        last: how many seconds before the point committed transactions are listed for, 0 to 60.
        checks: the team's own checks: files that hold one SELECT each.
        cluster: where the checks are run; None for the primary.
        timeout: how long one check may take, in seconds.

    Raises:
        StrongroomError: the WAL or a log that is there cannot be read.
    """
    raise NotImplementedError
