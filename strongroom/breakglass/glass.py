"""One break-glass: who asks for what, why, until when, and who approved."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from strongroom.declaration import Declaration
from strongroom.errors import SettingsError
from strongroom.people import SHORTEST_REASON, Engineer
from strongroom.reading.forms import nearest
from strongroom.tiers import Tier

#: Minutes.
LONGEST = 60


class Kind(StrEnum):
    """What is given."""

    SENIOR = "senior"
    ROOT = "root"


@dataclass(frozen=True)
class Glass:
    """What was asked for and approved.

    Attributes:
        id: 8 hexadecimal digits.
        kind: the rights of a senior for the person's own role, or root itself.
        who: the role of who asks.
        approver: the role of who approved; Strongroom takes the asker's word for it, and tells
            everybody that it did.
        reason: at least 10 characters.
        ticket: where the work is described.
        until: when it ends at the latest (UTC).
    """

    id: str
    kind: Kind
    who: str
    approver: str
    reason: str
    ticket: str
    until: datetime

    @property
    def application_name(self) -> str:
        """What the server's log and pg_stat_activity call its sessions: at most 63 bytes.

        The id comes last and is never cut off.
        """
        named = f"break-glass {self.who} {self.ticket}"
        printable = "".join(each if each.isascii() else "?" for each in named)
        return f"{printable[: 62 - len(self.id)]} {self.id}"

    @property
    def ends(self) -> str:
        """The end as people read it."""
        return f"{self.until:%Y-%m-%d %H:%M} UTC"

    def told(self) -> str:
        """What is done, in words."""
        if self.kind is Kind.ROOT:
            return f"root was opened for {self.who} until {self.ends} ({self.ticket})"
        return f"{self.who} was given the rights of a senior until {self.ends} ({self.ticket})"


def asked(
    stack: Declaration,
    name: str,
    approver: str,
    reason: str,
    ticket: str,
    kind: Kind,
    minutes: int,
) -> Glass:
    """Judge what somebody asks for.

    Args:
        stack: the environment.
        name: who asks: a role or a person's own name, upper and lower case alike.
        approver: who approved, the same way.
        reason: why, for those who read the record.
        ticket: where the work is described.
        kind: what is asked for.
        minutes: how long, 1 to 60.

    Raises:
        SettingsError: with every mistake.
    """
    asker, giver = _engineer(stack, name), _engineer(stack, approver)
    problems = [
        *_who_problems(stack, name, asker, kind),
        *_approver_problems(stack, approver, giver, asker),
        *_text_problems("--reason", reason, SHORTEST_REASON),
        *_text_problems("--ticket", ticket, 1),
    ]
    if not 1 <= minutes <= LONGEST:
        problems.append(
            f"--minutes is {minutes}, and a break-glass lasts 1 to {LONGEST} minutes, so that a "
            "forgotten one does no harm for long. Ask again when it is over"
        )
    if problems or asker is None or giver is None:
        raise SettingsError("strongroom root break-glass", problems)
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return Glass(
        id=secrets.token_hex(4),
        kind=kind,
        who=asker.role,
        approver=giver.role,
        reason=reason.strip(),
        ticket=ticket.strip(),
        until=until,
    )


def _engineer(stack: Declaration, name: str) -> Engineer | None:
    """The engineer of the roster by role or own name."""
    wanted = name.strip().casefold()
    people = stack.roster.engineers
    by_role = (each for each in people if each.role == wanted)
    by_name = (each for each in people if each.name.strip().casefold() == wanted)
    return next(by_role, None) or next(by_name, None)


def _who_problems(
    stack: Declaration, name: str, asker: Engineer | None, kind: Kind
) -> Iterator[str]:
    environment = stack.environment
    if asker is None:
        yield f"{name!r} {_not_there(stack, name)}, so there is nobody to give rights to"
    elif (tier := asker.tier_in(environment)) is None:
        yield (
            f"{asker.role} has no role in {environment}, so there is nothing to raise. A pull "
            "request to the roster makes one"
        )
    elif tier is Tier.SENIOR and kind is Kind.SENIOR:
        yield (
            f"{asker.role} is a senior in {environment} already, so there is nothing to lend. "
            f"`strongroom connect {asker.role} --write` is all it takes; --root is for what only "
            "root can do"
        )


def _approver_problems(
    stack: Declaration, name: str, giver: Engineer | None, asker: Engineer | None
) -> Iterator[str]:
    environment = stack.environment
    if not name.strip():
        yield (
            "--approver is missing: nobody opens the glass alone. Name a senior who said yes "
            f"({_seniors(stack, asker)})"
        )
    elif giver is None:
        yield f"the approver {name!r} {_not_there(stack, name)}. Ask {_seniors(stack, asker)}"
    elif asker is not None and _same_person(giver, asker):
        yield (
            f"the approver {name!r} is who asks, and nobody approves for themselves. Ask "
            f"{_seniors(stack, asker)}"
        )
    elif giver.tier_in(environment) is not Tier.SENIOR:
        tier = giver.tier_in(environment) or "without a role"
        yield (
            f"the approver {giver.role} is {tier} in {environment}, and only a senior there may "
            f"approve. Ask {_seniors(stack, asker)}"
        )


def _same_person(one: Engineer, other: Engineer) -> bool:
    """A person with two roles approves for themselves by neither."""
    names = (each.name.strip().casefold() for each in (one, other))
    return one.role == other.role or next(names) == next(names)


def _seniors(stack: Declaration, asker: Engineer | None) -> str:
    others = [
        member.role
        for member in stack.members
        if member.tier is Tier.SENIOR and (asker is None or member.role != asker.role)
    ]
    return ", ".join(others) or "somebody to become a senior: there is no other"


def _not_there(stack: Declaration, name: str) -> str:
    if any(service.role == name for service in stack.roster.services):
        return "is a service, and only a person of the roster can answer for this"
    near = nearest(name, [engineer.role for engineer in stack.roster.engineers])
    hint = f" (did you mean {near}?)" if near else ""
    return f"is no engineer of {stack.roster.source}{hint}"


def _text_problems(option: str, text: str, least: int) -> Iterator[str]:
    if not text.isprintable():
        yield (
            f"{option} holds characters that cannot be printed (line ends, escape codes), which "
            "could hide something from whoever reads the record. Leave them out"
        )
    elif len(text.strip()) < least:
        what = "is missing" if not text.strip() else f"has {len(text.strip())} characters"
        yield (
            f"{option} {what}, and whoever reads the record later needs at least {least}. Write "
            "what you are going to do and why"
        )
