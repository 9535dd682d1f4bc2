"""The record of a recovery that is under way, by which a killed one goes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from strongroom.recovery.plan import Plan


@dataclass
class Journal:
    """One recovery, as far as it got.

    Attributes:
        path: where it is written down.
        plan: what is done.
        done: names of the steps that are finished.
        facts: what later steps have to know of earlier ones.
    """

    path: Path
    plan: Plan
    done: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, stack: StackFolder) -> "Journal | None":
        """The one that is under way in a stack; None when there is none.

        Raises:
            StrongroomError: it cannot be read.
        """
        path = path_of(stack)
        try:
            values: Mapping[str, Any] = json.loads(path.read_text())
            plan = Plan.load(values["plan"])
            return cls(path, plan, list(values["done"]), dict(values["facts"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StrongroomError(
                f"{path} tells how far a recovery got and cannot be read ({error}), so none is "
                "begun and nothing was changed. Run this as the user who owns it; if the file is "
                f"spoilt, move it and {stack.path / 'recovered'} away and begin anew."
            ) from error

    def save(self) -> None:
        """Write it down, before anything depends on it."""
        values = {"plan": self.plan.dump(), "done": self.done, "facts": self.facts}
        SystemUser.current().write(self.path, json.dumps(values, indent=2))

    def finish(self, step: str) -> None:
        """Note that a step is done."""
        self.done.append(step)
        self.save()

    def note(self, **facts: Any) -> None:
        """Note what later steps have to know."""
        self.facts.update(facts)
        self.save()

    def end(self) -> None:
        """The recovery is over; the record is kept until the next one is."""
        self.note(ended=datetime.now(UTC).isoformat(timespec="milliseconds"))
        self.path.replace(_ended_path(self.path))

    def forget(self) -> None:
        """The recovery was given up."""
        self.path.unlink(missing_ok=True)

    @classmethod
    def ended(cls, stack: StackFolder) -> str | None:
        """When the last recovery of a stack was over (ISO 8601, UTC); None when there was none."""
        try:
            values = json.loads(_ended_path(path_of(stack)).read_text())
            return str(values["facts"]["ended"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def path_of(stack: StackFolder) -> Path:
    """Where the record of a stack's recovery lies."""
    return stack.path / "recovery.json"


def _ended_path(path: Path) -> Path:
    return path.with_name("recovery-ended.json")
