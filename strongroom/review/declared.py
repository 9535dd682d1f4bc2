"""What the files of one revision declare for one environment, or why that cannot be said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from strongroom.errors import StrongroomError
from strongroom.people import Member, Service
from strongroom.reading.elevation_form import Lending
from strongroom.roster import Roster
from strongroom.settings import Settings


@dataclass(frozen=True)
class Declared:
    """One environment as one revision declares it.

    Attributes:
        settings: its settings; None when they cannot be read.
        roster: its roster; None when it cannot be read.
        members: the engineers who have a role there; nobody when that cannot be read.
        problem: why something cannot be read, in the words of whoever tried; empty when all can.
    """

    settings: Settings | None = None
    roster: Roster | None = None
    members: tuple[Member, ...] = ()
    problem: str = ""

    @classmethod
    def read(cls, folder: Path, environment: str, now: datetime) -> "Declared":
        """Read the files below `folder`; never raises for what stands in them.

        Args:
            folder: what holds Pulumi.yaml and stacks/.
            environment: the stack's name.
            now: the time that decides which elevations hold (UTC).
        """
        settings: Settings | None = None
        roster: Roster | None = None
        try:
            settings = Settings.load(folder, environment)
            roster = Roster.load(settings.roster_in(folder), _lending(settings), now)
            return cls(settings, roster, roster.engineers_in(environment, now))
        except StrongroomError as error:
            problem = str(error).replace(f"{folder}/", "").replace(str(folder), ".")
            return cls(settings, roster, (), problem)

    @property
    def schemas(self) -> tuple[str, ...]:
        """The guarded schemas."""
        return self.roster.schemas if self.roster else ()

    @property
    def services(self) -> tuple[Service, ...]:
        """The services; none where the environment's people are not known either."""
        return self.roster.services if self.roster and not self.problem else ()


def _lending(settings: Settings) -> Lending:
    longest = timedelta(hours=settings.elevation_max_hours)
    source = f"configuration of stack {settings.environment}"
    return Lending(settings.environment, longest, settings.elevation_approvers, source)
