"""Red flags: what a change of a team's rights or protections needs an approval for."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import PurePosixPath

from strongroom.people import Elevation
from strongroom.review.change import Change, Flag
from strongroom.review.program import (
    beyond_roster,
    losing,
    roles_that_make_roles,
    unapplied,
    unprotected,
)
from strongroom.review.rights import Person
from strongroom.review.words import Value, Words, values
from strongroom.rights.model import Held
from strongroom.tiers import Tier

#: What cannot change who has which rights or what a review says; everything else can.
_HARMLESS_FOLDERS = ("stacks", "tests", "benchmarks", "docs")
_HARMLESS_NAMES = ("LICENSE", ".gitignore")
#: Files named one by one.
_SHOWN = 8


def flags(change: Change) -> tuple[Flag, ...]:
    """Every red flag of a change, the most dangerous kinds first."""
    return tuple(flag for find in FLAGS for flag in find(change))


def deletes(change: Change) -> Iterator[Flag]:
    """Somebody who can delete or truncate now and could not before."""
    for person, what in _gaining(change, lambda held: held.privilege in ("DELETE", "TRUNCATE")):
        yield Flag("deletes", (*_who(person), " can now lose rows: ", *what, _lent(person), "."))


def owns(change: Change) -> Iterator[Flag]:
    """Somebody who can own, change and drop objects now and could not before."""
    for person, what in _gaining(change, _owning):
        words = (" can now own, change and drop objects: ", *what, _lent(person), ".")
        yield Flag("owns", (*_who(person), *words))


def lends(change: Change) -> Iterator[Flag]:
    """A tier lent from later on, which nobody has today, or for longer than the base allows."""
    limit = change.before.settings.elevation_max_hours if change.before.settings else None
    for elevation in _new_elevations(change):
        who: Words = (Value(elevation.who), " is lent ", Value(elevation.tier), " ")
        begins = elevation.begins or change.now
        if elevation.tier is Tier.SENIOR and not elevation.live(change.now):
            span = f"from {begins:%Y-%m-%d %H:%M} to {elevation.ends}"
            yield Flag("lends", (*who, f"{span}, with the right to delete."))
        if limit is not None and elevation.until - begins > timedelta(hours=limit):
            words = f"until {elevation.ends}, longer than the {limit} hours the base allows."
            yield Flag("lends", (*who, words))


def makes_roles(change: Change) -> Iterator[Flag]:
    """A role that can make or change roles, or is above rights altogether."""
    for role, attributes in roles_that_make_roles(change.preview):
        what = values(attributes)
        yield Flag("makes-roles", (Value(role), " gets ", *what, ", which no tier has."))


def grants_beyond(change: Change) -> Iterator[Flag]:
    """A grant or membership that the program makes and no line of the roster says."""
    for sentence in beyond_roster(change):
        yield Flag("beyond-roster", sentence)


def applies_more(change: Change) -> Iterator[Flag]:
    """Rights that the base gives and nobody has yet, because it was never applied."""
    for group, roles in unapplied(change):
        why = " by this too: the base has that already, and it was never applied."
        yield Flag("applies-more", (*values(roles), " would come into ", Value(group), why))


def loses(change: Change) -> Iterator[Flag]:
    """A database, replica, snapshots or secret that would be deleted or replaced."""
    for step, what in losing(change.preview):
        words = (f"{what} ", Value(step.name), f" would be {_PAST[step.op]}.")
        yield Flag("loses", words)


def unprotects(change: Change) -> Iterator[Flag]:
    """Protection of a resource turned off."""
    for name, what in unprotected(change.preview):
        yield Flag("unprotected", (Value(name), f": {what}."))


def weakens(change: Change) -> Iterator[Flag]:
    """A setting made weaker."""
    for setting in change.settings:
        if setting.weaker:
            yield Flag("weakens", (*setting.words, f", so {setting.weaker}."))


def unguards(change: Change) -> Iterator[Flag]:
    """A schema whose tables would no longer be under guard."""
    if change.before.roster and change.after.roster:
        gone = [each for each in change.before.schemas if each not in change.after.schemas]
        if gone:
            yield Flag("unguarded", ("No longer under guard: schema ", *values(gone), "."))


def changes_itself(change: Change) -> Iterator[Flag]:
    """Code that grants, reviews or applies: a review by that code says what that code wants."""
    found = [path for path in change.files if not _harmless(path)]
    if found:
        more = len(found) - _SHOWN
        words: Words = values([*found[:_SHOWN], *([f"{more} more"] if more > 0 else [])])
        intro = "What grants rights or carries out this review was changed itself; read it: "
        yield Flag("changes-itself", (intro, *words, "."))


#: In the order in which a reviewer reads them.
FLAGS: tuple[Callable[[Change], Iterable[Flag]], ...] = (
    deletes,
    owns,
    lends,
    makes_roles,
    grants_beyond,
    applies_more,
    loses,
    unprotects,
    weakens,
    unguards,
    changes_itself,
)

_PAST = {"delete": "deleted", "replace": "replaced"}


def _gaining(change: Change, kind: Callable[[Held], bool]) -> Iterator[tuple[Person, Words]]:
    for person in change.people:
        if gains := person.gains(kind):
            yield person, values(gains)


def _owning(held: Held) -> bool:
    """What is made after SET ROLE belongs to that role, so CREATE there is told by OWNER."""
    return held.privilege == "OWNER" or (held.privilege == "CREATE" and not held.after_set_role)


def _who(person: Person) -> Words:
    name: Words = (" (", Value(person.name), ")") if person.name else (" (a service)",)
    return (Value(person.role), *name)


def _lent(person: Person) -> str | Value:
    lent = person.after.lent
    if lent is None:
        return ""
    return Value(f", lent until {lent.ends}, approved by {lent.approver}, {lent.ticket}")


def _new_elevations(change: Change) -> Iterator[Elevation]:
    if change.after.roster is None:
        return
    known = change.before.roster.elevations if change.before.roster else ()
    for elevation in change.after.roster.elevations:
        here = change.environment in elevation.environments
        if here and elevation not in known and not elevation.over(change.now):
            yield elevation


def _harmless(path: str) -> bool:
    parts = PurePosixPath(path)
    if parts.name == "CODEOWNERS":
        return False
    named = path in _HARMLESS_NAMES or (len(parts.parts) == 1 and parts.suffix == ".md")
    return named or parts.parts[0] in _HARMLESS_FOLDERS
