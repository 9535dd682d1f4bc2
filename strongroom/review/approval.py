"""Who approved a change, and whether that counts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from strongroom.people import Engineer
from strongroom.review.declared import Declared
from strongroom.review.revision import Identity
from strongroom.review.words import Value, Words, values
from strongroom.tiers import Tier

#: How a pipeline names somebody by the login on GitHub.
GITHUB = "github:"
_NOREPLY = re.compile(r"(?:\d+\+)?([^@]+)@users\.noreply\.github\.com", re.IGNORECASE)


@dataclass(frozen=True)
class Approval:
    """One approval that was given.

    Attributes:
        by: as it names whoever gave it.
        role: the engineer that is; empty when it is nobody who may approve.
        refused: why it does not count; empty when it does.
    """

    by: str
    role: str
    refused: Words = ()

    @property
    def counts(self) -> bool:
        """Whether it lets a change with red flags through."""
        return not self.refused


def approvers(base: Declared) -> tuple[Engineer, ...]:
    """Who may approve: those the base's settings name, or else its seniors, by their own tier.

    Of the base, never of the change, which could name anybody.
    """
    if base.roster is None or base.settings is None:
        return ()
    named = base.settings.elevation_approvers
    own = {member.role: member.base or member.tier for member in base.members}
    return tuple(
        engineer
        for engineer in base.roster.engineers
        if (engineer.role in named if named else own.get(engineer.role) is Tier.SENIOR)
    )


def judged(
    given: Iterable[str], may: tuple[Engineer, ...], makers: Iterable[Identity]
) -> tuple[Approval, ...]:
    """Judge approvals.

    Args:
        given: roles, or logins behind ``github:``.
        may: who may approve.
        makers: everyone who had a hand in the change.
    """
    made = list(makers)
    return tuple(_judged(name.strip(), may, made) for name in dict.fromkeys(given))


def _judged(by: str, may: tuple[Engineer, ...], makers: list[Identity]) -> Approval:
    login = by.removeprefix(GITHUB).lower() if by.startswith(GITHUB) else None
    engineer = next(
        (each for each in may if (each.github == login if login else each.role == by)), None
    )
    if engineer is None:
        allowed = [each.role for each in may]
        who = values(allowed, "or") if allowed else ("nobody",)
        return Approval(by, "", ("the base lets ", *who, " approve"))
    own = [maker for maker in makers if is_hand_of(maker, engineer)]
    if own:
        return Approval(by, engineer.role, ("the change was made by ", Value(str(own[0]))))
    return Approval(by, engineer.role)


def named(text: str) -> Identity:
    """Somebody as a pipeline names them: a role or name, an address, or ``github:login``."""
    if text.startswith(GITHUB):
        return Identity(login=text.removeprefix(GITHUB))
    return Identity(email=text) if "@" in text else Identity(name=text)


def is_hand_of(maker: Identity, engineer: Engineer) -> bool:
    """Whether `maker` may be this engineer; in doubt yes, for then an approval does not count."""
    login = maker.login
    if found := _NOREPLY.fullmatch(maker.email):
        login = login or found[1]
    if login and login.lower() == engineer.github:
        return True
    called = {_folded(name) for name in (maker.name, maker.email.split("@")[0], login) if name}
    return bool(called & {_folded(engineer.role), _folded(engineer.name), engineer.github} - {""})


def _folded(name: str) -> str:
    """A name without regard to case, spaces and dots: `Ada Okonkwo` is `ada.okonkwo`."""
    return re.sub(r"[\W_]+", "", name).casefold()
