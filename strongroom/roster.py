"""The roster: who is in which tier, in which environment, and what services may do.

Parsed once from stacks/engineers.yaml into frozen values. Nothing here connects to anything.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from strongroom.errors import StrongroomError
from strongroom.people import Elevation, Engineer, Member, RightsBySchema, Service
from strongroom.reading.documents import Node, Report, read_file, read_text, shown_path
from strongroom.reading.elevation_form import Lending
from strongroom.reading.forms import listed, nearest
from strongroom.reading.roster_form import read_roster

__all__ = ["Elevation", "Engineer", "Member", "RightsBySchema", "Roster", "Service"]


@dataclass(frozen=True)
class Roster:
    """Everyone and everything with a role, sorted by role.

    Attributes:
        source: the file it was read from, for errors.
        environments: the environments that exist, in the roster's order.
        schemas: the guarded schemas, in the roster's order.
        engineers: all of them, also those without a role in some environment.
        services: the same in every environment.
        elevations: tiers lent until a time, ended ones included, by person and end.
    """

    source: str = field(compare=False)
    environments: tuple[str, ...]
    schemas: tuple[str, ...]
    engineers: tuple[Engineer, ...]
    services: tuple[Service, ...]
    elevations: tuple[Elevation, ...] = ()

    @classmethod
    def load(cls, path: Path, lending: Lending | None = None, now: datetime | None = None) -> Self:
        """Read a roster from a YAML file of at most 1 MiB.

        Args:
            path: the file.
            lending: what an environment's settings say of elevations; None judges them only by
                what the roster itself tells.
            now: the time elevations are judged by (UTC); None for this moment.

        Raises:
            SettingsError: with every mistake of the file and its line.
        """
        report = Report(shown_path(path))
        return cls._of(read_file(path, report, "who may sign in"), report, lending, now)

    @classmethod
    def parse(
        cls,
        text: str,
        source: str,
        lending: Lending | None = None,
        now: datetime | None = None,
    ) -> Self:
        """Read a roster from YAML in `text`; `source` is the file name that errors show.

        Raises:
            SettingsError: with every mistake and its line.
        """
        report = Report(source)
        return cls._of(read_text(text, source, report), report, lending, now)

    @classmethod
    def _of(
        cls, document: Node, report: Report, lending: Lending | None, now: datetime | None
    ) -> Self:
        return cls(report.source, *read_roster(document, report, now or datetime.now(UTC), lending))

    def engineers_in(self, environment: str, now: datetime | None = None) -> tuple[Member, ...]:
        """Who has a role in `environment`, with the tier that holds there, sorted by role.

        Args:
            environment: one the roster lists.
            now: the time that decides which elevations hold (UTC); None for this moment.

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
        at = now or datetime.now(UTC)
        lent = {
            each.who: each
            for each in self.elevations
            if environment in each.environments and each.live(at)
        }
        members = (_member(each, environment, lent.get(each.role)) for each in self.engineers)
        return tuple(member for member in members if member is not None)


def _member(engineer: Engineer, environment: str, lent: Elevation | None) -> Member | None:
    tier = engineer.tier_in(environment)
    if tier is None:
        return None
    if lent is None:
        return Member(engineer.role, engineer.name, tier, engineer.rights)
    return Member(engineer.role, engineer.name, lent.tier, engineer.rights, lent, tier)
