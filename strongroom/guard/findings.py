"""What was found wrong, in words that hold no secret."""

from dataclasses import dataclass
from enum import StrEnum

from strongroom.guard.targets import Origin


class Kind(StrEnum):
    """What a finding is about."""

    REACHES = "reaches"
    MENTIONS = "mentions"
    PASSWORD = "password"  # noqa: S105 - the kind of a finding
    UNREAD = "unread"


class How(StrEnum):
    """By what a guarded database was known."""

    NAME = "name"
    ADDRESS = "address"
    CERTIFICATE = "certificate"
    MARKER = "marker"


@dataclass(frozen=True)
class Match:
    """A guarded environment, and by what it was known.

    Attributes:
        environment: its name.
        declared: the host, network or certificate as declared.
        how: by what it was known.
    """

    environment: str
    declared: str
    how: How


@dataclass(frozen=True)
class Finding:
    """One thing to act on.

    Attributes:
        kind: what it is about.
        origin: where it was found.
        match: what it reaches; None for a password or a file that could not be read.
        note: what more there is to say.
        allowed: the reason for which it is allowed; None when it is not.
    """

    kind: Kind
    origin: Origin
    match: Match | None = None
    note: str = ""
    allowed: str | None = None

    @property
    def refused(self) -> bool:
        """Whether it stops a command."""
        return self.allowed is None and self.kind is not Kind.PASSWORD
