"""What the files of a checkout declare for one environment, read together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from strongroom.home import Home
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
    """

    settings: Settings
    roster: Roster
    members: tuple[Member, ...]
    folder: Path

    @property
    def environment(self) -> str:
        """The environment's name, which is its stack's."""
        return self.settings.environment

    @property
    def vault(self) -> Path:
        """Where snapshots and archived WAL lie on the local platform."""
        return Path(self.settings.vault) if self.settings.vault else self.folder / "vault"

    @classmethod
    def load(cls, environment: str, values: Mapping[str, object] | None = None) -> Self:
        """Read settings and roster of the project the working directory lies in.

        Args:
            environment: the stack's name.
            values: the configuration as the engine gives it; None reads the stack's file.

        Raises:
            SettingsError: the files hold mistakes; all of one file are named at once.
            StrongroomError: this is no project, or the roster does not know the environment.
        """
        home = Home.find()
        if values is None:
            settings = Settings.load(home.checkout, environment)
        else:
            source = f"configuration of stack {environment}"
            settings = Settings.parse(environment, values, source)
        roster = Roster.load(settings.roster_in(home.checkout))
        members = roster.engineers_in(environment)
        return cls(settings, roster, members, home.stack(environment))
