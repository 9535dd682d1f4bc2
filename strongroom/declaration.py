"""What the files of a checkout declare for one environment, read together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from strongroom.errors import SettingsError
from strongroom.home import Home
from strongroom.reading.elevation_form import Lending, forgotten
from strongroom.roster import Member, Roster
from strongroom.settings import Settings


@dataclass(frozen=True)
class Declaration:
    """One environment as declared.

    Attributes:
        settings: its settings.
        roster: the roster they name.
        members: the engineers who have a role there.
        folder: where the local platform keeps its clusters.
        warnings: what is not wrong yet and will be, a sentence each.
    """

    settings: Settings
    roster: Roster
    members: tuple[Member, ...]
    folder: Path
    warnings: tuple[str, ...] = ()

    @property
    def environment(self) -> str:
        """The environment's name, which is its stack's."""
        return self.settings.environment

    @property
    def vault(self) -> Path:
        """Where snapshots and archived WAL lie on the local platform."""
        return Path(self.settings.vault) if self.settings.vault else self.folder / "vault"

    @classmethod
    def load(
        cls,
        environment: str,
        values: Mapping[str, object] | None = None,
        now: datetime | None = None,
    ) -> Self:
        """Read settings and roster of the project the working directory lies in.

        Args:
            environment: the stack's name.
            values: the configuration as the engine gives it; None reads the stack's file, and
                takes an elevation that ended long ago for no mistake.
            now: the time that decides which elevations hold (UTC); None for this moment.

        Raises:
            SettingsError: the files hold mistakes; all of one file are named at once.
            StrongroomError: this is no project, or the roster does not know the environment.
        """
        home = Home.find()
        at = now or datetime.now(UTC)
        source = f"configuration of stack {environment}"
        if values is None:
            settings = Settings.load(home.checkout, environment)
        else:
            settings = Settings.parse(environment, values, source)
        lending = Lending(
            environment,
            timedelta(hours=settings.elevation_max_hours),
            settings.elevation_approvers,
            source,
            refuses_forgotten=values is not None,
        )
        roster = Roster.load(settings.roster_in(home.checkout), lending, at)
        _refuse_root(roster, settings)
        members = roster.engineers_in(environment, at)
        here = [each for each in roster.elevations if environment in each.environments]
        warnings = tuple(forgotten(here, at))
        return cls(settings, roster, members, home.stack(environment), warnings)


def _refuse_root(roster: Roster, settings: Settings) -> None:
    """Nobody is root: its name is reserved, and so is another one that root has here."""
    named = {one.role for one in roster.engineers} | {one.role for one in roster.services}
    if settings.root in named:
        problem = f"{settings.root} is the master of the instance that {settings.environment} "
        rest = "took over, so with this line a person or an application would be root"
        raise SettingsError(roster.source, [f"{problem}{rest}. Give them a role of another name"])
