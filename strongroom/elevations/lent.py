"""One elevation as the machine that ends it knows it, without the roster it stood in."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from strongroom.breakglass.record import Subject
from strongroom.people import Member
from strongroom.rights.rules import memberships
from strongroom.tiers import Tier


@dataclass(frozen=True)
class Lent:
    """A tier lent to one person.

    Attributes:
        who: the person's role.
        kind: the tier that is lent.
        base: the person's own tier, which holds again afterwards.
        until: when it ends (UTC).
        approver, reason, ticket: see `people.Elevation`.
    """

    who: str
    kind: Tier
    base: Tier
    until: datetime
    approver: str
    reason: str
    ticket: str

    @classmethod
    def to(cls, members: Iterable[Member]) -> "tuple[Lent, ...]":
        """What is lent to members of an environment now."""
        return tuple(
            cls(member.role, member.tier, member.base, up.until, up.approver, up.reason, up.ticket)
            for member in members
            if (up := member.elevation) and member.base
        )

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """The inverse of `dump`; raises `ValueError` or `KeyError` for what is none."""
        return cls(
            values["who"],
            Tier(values["tier"]),
            Tier(values["base"]),
            datetime.fromisoformat(values["until"]),
            values["approver"],
            values["reason"],
            values["ticket"],
        )

    def dump(self) -> dict[str, str]:
        """As JSON and the engine have it."""
        values = {**asdict(self), "until": self.until.isoformat(timespec="seconds")}
        return {"tier": str(values.pop("kind")), **values, "base": str(self.base)}

    @property
    def id(self) -> str:
        """8 hexadecimal digits; the same for as long as nothing of it is changed."""
        text = json.dumps(self.dump(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def subject(self) -> Subject:
        """The same as the record tells it."""
        texts = (self.id, str(self.kind), self.who, self.approver, self.reason, self.ticket)
        return Subject(*texts, self.until)

    @property
    def groups(self) -> dict[str, str]:
        """The groups of the tier that is lent, and what membership lets its members do."""
        return _groups(self.who, self.kind)

    @property
    def own_groups(self) -> dict[str, str]:
        """The groups of the person's own tier."""
        return _groups(self.who, self.base)

    @property
    def ends(self) -> str:
        """The end as people read it."""
        return f"{self.until:%Y-%m-%d %H:%M} UTC"

    def over(self, now: datetime) -> bool:
        """Whether it has ended at `now`."""
        return self.until <= now

    def told(self) -> str:
        """What is done, in words."""
        return f"{self.who} was lent the tier {self.kind} until {self.ends} ({self.ticket})"


def _groups(who: str, tier: Tier) -> dict[str, str]:
    groups = memberships([Member(who, who, tier)], [])
    return {group: members[who] for group, members in groups.items() if who in members}
