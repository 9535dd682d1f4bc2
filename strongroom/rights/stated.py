"""Rights of one role as one line of text, for the engine's state, which people read in diffs.

Such as ``tables in app: SELECT (tier_reader), INSERT, UPDATE (tier_writer)``: an area, the
privileges there, and through whom they are had. Areas follow one another after a semicolon; a
right that takes a switch of roles stands in an area of its own, ``after SET ROLE app_owner: tables
in app``. One line, because the engine logs every value it passes on by itself: with 1,000 people a
map of areas and privileges cost half of a preview.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from strongroom.rights.model import Held, in_order

_SWITCH = "after SET ROLE "
_GIVEN = re.compile(r"([^()]+) \(([^()]+)\)(?:, )?")


def stated(rights: Iterable[Held]) -> str:
    """Rights of one role as a line, in the order people read them; empty when it has none."""
    found: dict[str, dict[str, list[str]]] = {}
    for held in sorted(rights, key=lambda each: (each.after_set_role, each.area)):
        area = f"{held.switch}: {held.area}" if held.switch else held.area
        found.setdefault(area, {}).setdefault(held.privilege, []).append(held.through)
    return "; ".join(f"{area}: {_given(privileges)}" for area, privileges in found.items())


def understood(line: str) -> tuple[Held, ...]:
    """The rights that `stated` wrote down, sorted."""
    return tuple(sorted(_understood(line)))


def _given(through: dict[str, list[str]]) -> str:
    alike = groupby(in_order(through), key=lambda privilege: ", ".join(through[privilege]))
    return ", ".join(f"{', '.join(privileges)} ({holders})" for holders, privileges in alike)


def _understood(line: str) -> Iterator[Held]:
    for part in line.split("; ") if line else ():
        where, _, given = part.rpartition(": ")
        switch, _, area = where.rpartition(": ")
        for privileges, holders in _GIVEN.findall(given):
            for privilege in privileges.split(", "):
                for through in holders.split(", "):
                    yield Held(area, privilege, through, switch.startswith(_SWITCH))
