"""How a stack stands: what `strongroom status` shows, gathered without showing anything."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from strongroom.agent.duties import Duties
from strongroom.agent.process import Agent
from strongroom.bootstrap.sealed import SealedFile
from strongroom.breakglass.ending import due
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.vault import Vault
from strongroom.declaration import Declaration
from strongroom.drill import kept as drills
from strongroom.drill.kept import Kept
from strongroom.elevations import ending
from strongroom.errors import StrongroomError
from strongroom.standing import ServerStatus, archiving, servers_of


@dataclass(frozen=True)
class Standing:
    """A stack as it is now.

    Attributes:
        servers: the primary first.
        root_password_age_days: days since root's password was rotated; None when not known.
        agent: whether the agent runs.
        snapshots: how many sound ones the vault holds.
        newest_snapshot: when the newest of them was finished (UTC); None without any.
        elevations: what is lent now, a sentence each.
        warnings: what will be a mistake, a sentence each.
        drill: the last restore drill; None before the first.
        problems: everything that is not as it should be, a sentence each.
    """

    servers: tuple[ServerStatus, ...]
    root_password_age_days: int | None
    agent: bool
    snapshots: int
    newest_snapshot: datetime | None
    elevations: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    drill: Kept | None = None

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        newest = self.newest_snapshot.isoformat() if self.newest_snapshot else None
        drill = self.drill.dump() if self.drill else None
        return {**asdict(self), "newest_snapshot": newest, "drill": drill}


def standing(stack: Declaration) -> Standing:
    """Look at every part of a stack; what cannot be looked at is a problem, not an error."""
    folder, database = StackFolder(stack.folder), stack.settings.database
    servers = tuple(servers_of(folder, database))
    good = Vault(stack.vault, folder.primary.user).good() if servers else []
    agent = Agent(stack.folder)
    lives = agent.running() if servers else False
    problems = [f"{each.name}: {each.problem}" for each in servers if each.problem]
    if servers:
        problems += archiving(folder, database, stack.vault, servers[0])
        stopped = ["the agent is stopped; `strongroom agent start` starts it"]
        problems += _failing(agent) if lives else stopped
        problems += [] if good else ["there is no sound snapshot; `make up` takes one"]
        problems += due(folder) + _overdue(folder)
        if told := drills.problem(stack.folder, stack.settings.drill_every_days):
            problems.append(told)
    return Standing(
        servers=servers,
        root_password_age_days=_password_age(folder) if servers else None,
        agent=lives,
        snapshots=len(good),
        newest_snapshot=good[-1].finished if good else None,
        elevations=tuple(_elevations(stack)),
        warnings=stack.warnings,
        problems=tuple(problems),
        drill=next(reversed(drills.kept(stack.folder, drills.Kind.RESTORE)), None),
    )


def _elevations(stack: Declaration) -> Iterator[str]:
    now = datetime.now(UTC)
    for each in stack.members:
        if up := each.elevation:
            left = timedelta(minutes=(up.until - now) // timedelta(minutes=1))
            hours = f"{str(left).rpartition(':')[0]} h"
            yield (
                f"{each.role} is lent {up.tier} for {hours} more, until {up.ends} ({up.ticket}, "
                f"approved by {up.approver})"
            )
    for up in stack.roster.elevations:
        if stack.environment in up.environments and up.begins and up.begins > now:
            begins = f"{up.begins:%Y-%m-%d %H:%M} UTC"
            yield f"{up.who} is lent {up.tier} by an `up` after {begins} ({up.ticket})"


def _overdue(folder: StackFolder) -> list[str]:
    duties = Duties.load(folder.path)
    return ending.due(folder, duties.elevations) if duties else []


def _failing(agent: Agent) -> list[str]:
    """Duties of the agent that went wrong last; the heartbeat's is told by the servers."""
    went = {name: each.get("problem") for name, each in agent.reported().items()}
    return [f"{name}: {said}" for name, said in went.items() if said and name != "heartbeat"]


def _password_age(folder: StackFolder) -> int | None:
    try:
        cluster = folder.primary
        current = SealedFile(cluster.directory / "sealed", cluster.user).current()
    except StrongroomError:
        return None
    return (datetime.now(UTC) - current.since).days if current else None
