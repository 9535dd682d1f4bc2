"""Rights as a plain map, for the engine's state and for programs: person, area, privilege, through.

A right that takes a switch of roles stands in an area of its own, ``after SET ROLE app_owner:
tables in app``.
"""

from collections.abc import Iterable, Iterator, Mapping

from strongroom.rights.model import Held, in_order

#: For an area each privilege, and through whom it is had.
Stated = dict[str, dict[str, str]]

_SWITCH = "after SET ROLE "


def stated(rights: Iterable[Held]) -> Stated:
    """Rights of one role as a map, in the order people read them."""
    found: dict[str, dict[str, list[str]]] = {}
    for held in sorted(rights, key=lambda each: (each.after_set_role, each.area)):
        area = f"{held.switch}: {held.area}" if held.switch else held.area
        found.setdefault(area, {}).setdefault(held.privilege, []).append(held.through)
    return {
        area: {each: ", ".join(privileges[each]) for each in in_order(privileges)}
        for area, privileges in found.items()
    }


def understood(rights: Mapping[str, Mapping[str, str]]) -> tuple[Held, ...]:
    """The rights that `stated` wrote down, sorted."""
    return tuple(sorted(_understood(rights)))


def _understood(rights: Mapping[str, Mapping[str, str]]) -> Iterator[Held]:
    for where, privileges in rights.items():
        switch, _, area = where.rpartition(": ")
        for privilege, through in privileges.items():
            for each in through.split(", "):
                yield Held(area, privilege, each, switch.startswith(_SWITCH))
