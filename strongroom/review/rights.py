"""Who gains and loses what between two revisions, from what their rosters declare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from strongroom.people import Elevation, Member, Service
from strongroom.review.declared import Declared
from strongroom.rights.declared import declared, phrases
from strongroom.rights.model import Held


@dataclass(frozen=True)
class Standing:
    """What one person or service is at one revision.

    Attributes:
        word: the tier, or what a service is; empty where there is no role.
        held: every effective right.
        lent: what lends the tier; None when nothing does.
    """

    word: str = ""
    held: tuple[Held, ...] = ()
    lent: Elevation | None = None


@dataclass(frozen=True)
class Person:
    """One engineer or service before and after.

    Attributes:
        role: the role's name.
        name: the person's own name; empty for a service.
        before: at the base.
        after: with the change.
    """

    role: str
    name: str
    before: Standing
    after: Standing

    @cached_property
    def gained(self) -> tuple[Held, ...]:
        """Rights had afterwards only; through which group a right is had makes no difference."""
        return _less(self.after.held, self.before.held)

    @cached_property
    def lost(self) -> tuple[Held, ...]:
        """Rights had before only."""
        return _less(self.before.held, self.after.held)

    @property
    def changed(self) -> bool:
        """Whether anything about this person differs."""
        return bool(self.gained or self.lost) or self.before.word != self.after.word

    @property
    def step(self) -> str:
        """The change in tier words: ``mid → senior``, ``hired as junior``, ``leaves (was mid)``."""
        before, after = self.before.word, self.after.word
        if before == after:
            return after
        if not before:
            return f"new: {after}"
        return f"{before} → {after}" if after else f"leaves, was {before}"

    def gains(self, wanted: Callable[[Held], bool]) -> list[str]:
        """The rights of a kind that are gained, in words."""
        return phrases(held for held in self.gained if wanted(held))


def people(before: Declared, after: Declared) -> tuple[Person, ...]:
    """Everyone who has a role at either revision, engineers first, sorted by role."""
    old, new = _standings(before), _standings(after)
    names = {member.role: member.name for each in (before, after) for member in each.members}
    roles = sorted({*old, *new}, key=lambda role: (role not in names, role))
    nobody = Standing()
    return tuple(
        Person(role, names.get(role, ""), old.get(role, nobody), new.get(role, nobody))
        for role in roles
    )


def _standings(revision: Declared) -> Mapping[str, Standing]:
    held = declared(revision.schemas, revision.members, revision.services)
    tiers = {member.role: _tier(member) for member in revision.members}
    services = {service.role: _service(service) for service in revision.services}
    lent = {member.role: member.elevation for member in revision.members}
    return {
        role: Standing({**tiers, **services}[role], rights, lent.get(role))
        for role, rights in held.items()
    }


def _tier(member: Member) -> str:
    if member.elevation is None or member.base is None:
        return member.tier.value
    return f"{member.tier.value} (lent, own: {member.base.value})"


def _service(service: Service) -> str:
    return "service, may change tables" if service.ddl else "service"


def _less(some: tuple[Held, ...], others: tuple[Held, ...]) -> tuple[Held, ...]:
    had = {(each.switch, each.area, each.privilege) for each in others}
    return tuple(each for each in some if (each.switch, each.area, each.privilege) not in had)
