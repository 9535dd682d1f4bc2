"""The roster: who is in which tier, in which environment, and what services may do.

Parsed once from stacks/engineers.yaml into frozen values. Nothing here connects to anything.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from strongroom.errors import StrongroomError
from strongroom.people import Engineer, Member, RightsBySchema, Service
from strongroom.reading.documents import Node, Report, read_file, read_text, shown_path
from strongroom.reading.forms import listed, nearest
from strongroom.reading.roster_form import read_roster

__all__ = ["Engineer", "Member", "RightsBySchema", "Roster", "Service"]


@dataclass(frozen=True)
class Roster:
    """Everyone and everything with a role, sorted by role.

    Attributes:
        source: the file it was read from, for errors.
        environments: the environments that exist, in the roster's order.
        schemas: the guarded schemas, in the roster's order.
        engineers: all of them, also those without a role in some environment.
        services: the same in every environment.
    """

    source: str = field(compare=False)
    environments: tuple[str, ...]
    schemas: tuple[str, ...]
    engineers: tuple[Engineer, ...]
    services: tuple[Service, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a roster from a YAML file of at most 1 MiB.

        Raises:
            SettingsError: with every mistake of the file and its line.
        """
        report = Report(shown_path(path))
        return cls._of(read_file(path, report, "who may sign in"), report)

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Read a roster from YAML in `text`; `source` is the file name that errors show.

        Raises:
            SettingsError: with every mistake and its line.
        """
        report = Report(source)
        return cls._of(read_text(text, source, report), report)

    @classmethod
    def _of(cls, document: Node, report: Report) -> Self:
        environments, schemas, engineers, services = read_roster(document, report)
        return cls(report.source, environments, schemas, engineers, services)

    def engineers_in(self, environment: str) -> tuple[Member, ...]:
        """Who has a role in `environment`, with the tier that holds there, sorted by role.

        Raises:
            StrongroomError: the roster does not know the environment.
        """
        if environment not in self.environments:
            near = nearest(environment, self.environments)
            hint = f"Did you mean {near!r}? If not, add" if near else "Add"
            raise StrongroomError(
                f"{self.source} lists the environments {listed(self.environments, 'and')}, not "
                f"{environment!r}, so nobody's tier there is known and no role was made. "
                f"{hint} it to `environments` and give each engineer the tier they should have."
            )
        members = ((engineer, engineer.tier_in(environment)) for engineer in self.engineers)
        return tuple(
            Member(engineer.role, engineer.name, tier, engineer.rights)
            for engineer, tier in members
            if tier is not None
        )
