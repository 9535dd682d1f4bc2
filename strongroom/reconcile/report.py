"""The report: what was cut off at a point, what was committed just before it, what does not fit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.vault import Vault
from strongroom.errors import SettingsError
from strongroom.incident.events import Event
from strongroom.incident.find import find
from strongroom.reconcile.checks import Check, State, not_run, run
from strongroom.reconcile.noting import Noting, Scope
from strongroom.reconcile.remains import Remains, Transaction
from strongroom.reconcile.rendering import lines
from strongroom.reconcile.touching import Server
from strongroom.recovery import record
from strongroom.recovery.plan import resolved
from strongroom.recovery.situation import Situation
from strongroom.recovery.target import Target
from strongroom.recovery.transfer import arriving

# How far back an event is looked for that nobody named a point for.
_LOOK_BACK = timedelta(days=7)
_NO_POINT = (
    "--to is 'end', at which nothing was cut off that is known of, so there is nothing to report. "
    "Name an LSN or a time"
)


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
        return "\n".join(lines(self, people or {}))


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
        timeout: how long one query of a check may take, in seconds.

    Raises:
        StrongroomError: the WAL or a log that is there cannot be read.
    """
    unknown: list[str] = []
    remains = _remains(situation, database, target, unknown)
    if remains is not None:
        recent = (each for each in remains.last if _is_within(each, remains.time, last))
        remains = replace(remains, last=tuple(recent), window=last)
    where = cluster or situation.primary
    if where.running():
        made = tuple(run(LocalRoot(where), database, checks, timeout))
    else:
        made = tuple(not_run(checks, f"the server in {where.directory} does not run"))
    return Report(database, datetime.now(UTC), remains, made, tuple(unknown))


def _remains(
    situation: Situation, database: str, target: Target | None, unknown: list[str]
) -> Remains | None:
    """What was left behind: as a recovery noted it, or else as far as the WAL tells."""
    before = [each for each in record.finished(situation.stack) if each.plan.target]
    if target is None:
        event = _latest_event(situation, database)
        newest = before[-1] if before else None
        if newest is None or (event and event.time > datetime.fromisoformat(newest.plan.made)):
            if event is None:
                unknown.append(
                    f"No destructive event is found in the last {_LOOK_BACK.days} days and no "
                    "recovery is on record, so there is no point to look for work that was cut "
                    "off at; `--to` names one."
                )
                return None
            if event.stop_lsn is None:
                unknown.append(f"What was cut off is not known. {' '.join(event.unknown)}")
                return None
            told = f"{event.kind}: {', '.join(event.what)}"
            target = Target(lsn=event.stop_lsn, reason=told)
        else:
            target = Target(lsn=newest.plan.target)
    point = resolved(situation, target)
    if point is None:
        raise SettingsError("the command line", [_NO_POINT])
    known = next((each for each in reversed(before) if each.plan.target == point), None)
    if known is not None and known.remains is not None:
        return Remains.load(json.dumps(known.remains), f"The record of {known.plan.made}")
    if known is not None:
        unknown.append("The recovery could not note what it cut off, so the WAL is asked anew.")
    reason = target.reason or (known.plan.reason if known else "")
    server = None
    if situation.primary.running():
        server = Server(situation.primary, LocalRoot(situation.primary), exact=False)
    return Noting(situation, point, Scope(database), reason).remains(server)


def _latest_event(situation: Situation, database: str) -> Event | None:
    vault = situation.declared.vault or Vault(
        situation.stack.path / "vault", situation.primary.user
    )
    if not situation.primary.exists():
        return None
    found = find(situation.primary, vault, datetime.now(UTC) - _LOOK_BACK, every=True).events
    return next((each for each in found if each.what != (arriving(database),)), None)


def _is_within(each: Transaction, time: datetime | None, seconds: int) -> bool:
    return bool(time and each.ended and time - each.ended <= timedelta(seconds=seconds))
