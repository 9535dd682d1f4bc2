"""The recoveries of a stack that were finished, each in a file of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from strongroom.recovery.plan import Plan


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        seconds: until what was lost served again, in this run.
        whole: seconds until everything was done.
        remarks: what a person has to know.
    """

    seconds: float
    whole: float
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """A recovery that was finished.

    Attributes:
        plan: what was done.
        outcome: how its last run ended.
        at: when (UTC).
        remains: what it left behind, as `strongroom.reconcile` noted it; None when it could not.
    """

    plan: Plan
    outcome: Outcome
    at: datetime
    remains: Mapping[str, Any] | None


def keep(stack: StackFolder, plan: Plan, outcome: Outcome, facts: Mapping[str, Any]) -> None:
    """Write down that a recovery is finished; once more for the same plan changes nothing else.

    Args:
        stack: whose.
        plan: what was done.
        outcome: how it ended.
        facts: what the journal has noted.
    """
    me = SystemUser.current()
    values = {
        "plan": plan.dump(),
        "outcome": {"seconds": outcome.seconds, "whole": outcome.whole, "remarks": outcome.remarks},
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "remains": facts.get("remains"),
    }
    stamp = datetime.fromisoformat(plan.made).strftime("%Y%m%dT%H%M%SZ")
    me.write(me.folder(_folder(stack)) / f"{stamp}.json", json.dumps(values, indent=2))


def finished(stack: StackFolder) -> list[Finished]:
    """All of a stack, the newest last.

    Raises:
        StrongroomError: one cannot be read.
    """
    return [_read(path) for path in sorted(_folder(stack).glob("*.json"))]


def _read(path: Path) -> Finished:
    try:
        values: Mapping[str, Any] = json.loads(path.read_text())
        told = values["outcome"]
        return Finished(
            plan=Plan.load(values["plan"]),
            outcome=Outcome(told["seconds"], told["whole"], tuple(told["remarks"])),
            at=datetime.fromisoformat(values["at"]),
            remains=values["remains"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StrongroomError(
            f"{path} tells of a recovery that was finished and cannot be read ({error}), so it is "
            "not known what it left behind. Run this as the user who owns it; if the file is "
            "spoilt, move it away and name the point (`--to LSN`)."
        ) from error


def _folder(stack: StackFolder) -> Path:
    return stack.path / "recoveries"
