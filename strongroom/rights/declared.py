"""The effective rights a roster declares: what each person can do in the end, and through whom.

Pure, from the rules and memberships of `strongroom.rights.rules`: the same that are granted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from strongroom.people import Member, Service
from strongroom.reading.forms import listed
from strongroom.rights.model import DATABASE, Held, in_order
from strongroom.rights.rules import Rule, memberships, rules
from strongroom.tiers import APP_OWNER

#: What app_owner owns in every guarded schema.
OWNED = ("tables", "sequences", "routines")


def declared(
    schemas: Sequence[str], members: Sequence[Member], services: Sequence[Service]
) -> dict[str, tuple[Held, ...]]:
    """For each engineer and service all it can do, after groups, tiers and the gate; sorted.

    Args:
        schemas: the guarded schemas.
        members: the engineers of an environment.
        services: the services.
    """
    everyone = every_role(schemas, members, services)
    return {role: everyone[role] for role in _people(members, services)}


def every_role(
    schemas: Sequence[str], members: Sequence[Member], services: Sequence[Service]
) -> dict[str, tuple[Held, ...]]:
    """As `declared`, and the same of the groups, the gate and app_owner."""
    granted = _granted(schemas, members, services)
    groups = memberships(members, services)
    lent, worn = _upwards(groups, "INHERIT"), _upwards(groups, "SET")
    roles = {*groups, *granted, *_people(members, services)}
    return {
        role: tuple(sorted(_held(granted, _reached(role, lent), _worn(role, worn, lent))))
        for role in sorted(roles)
    }


def difference(before: Iterable[Held], after: Iterable[Held]) -> list[str]:
    """A change of one role's rights in words: ``+ DELETE, TRUNCATE on tables in app``.

    Through which group a right is had is left out: had through another one it is the same right.
    """
    old, new = (
        {(each.switch, each.area, each.privilege): each for each in held}
        for held in (before, after)
    )
    gained = [held for right, held in new.items() if right not in old]
    lost = [held for right, held in old.items() if right not in new]
    return [f"+ {each}" for each in phrases(gained)] + [f"- {each}" for each in phrases(lost)]


def phrases(rights: Iterable[Held]) -> list[str]:
    """Rights in words, areas with the same privileges together, those after SET ROLE last."""
    by_area = defaultdict(set)
    for held in rights:
        by_area[held.switch, held.area].add(held.privilege)
    alike = defaultdict(list)
    for (switch, area), privileges in sorted(by_area.items()):
        alike[switch, tuple(in_order(privileges))].append(area)
    return [
        f"{switch + ': ' if switch else ''}{', '.join(privileges)} on {listed(areas, 'and')}"
        for (switch, privileges), areas in sorted(alike.items())
    ]


def _granted(
    schemas: Sequence[str], members: Sequence[Member], services: Sequence[Service]
) -> dict[str, list[tuple[str, str]]]:
    """For each role what is granted to itself, and what it owns, as areas and privileges."""
    granted: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for rule in rules(schemas, members, services):
        granted[rule.role] += [(area_of(rule), privilege) for privilege in rule.privileges]
    for schema in schemas:
        granted[APP_OWNER] += [(f"{kind} in {schema}", "OWNER") for kind in OWNED]
    return granted


def _people(members: Sequence[Member], services: Sequence[Service]) -> list[str]:
    return [*(member.role for member in members), *(service.role for service in services)]


def area_of(rule: Rule) -> str:
    """The area a rule speaks of."""
    if rule.schema is None:
        return DATABASE
    return f"{rule.object_type}s in {rule.schema}" if rule.has_future else f"schema {rule.schema}"


def _upwards(groups: Mapping[str, Mapping[str, str]], option: str) -> dict[str, list[str]]:
    """For each role the groups it is a direct member of with this option."""
    found = defaultdict(list)
    for group, members in groups.items():
        for member, options in members.items():
            if option in options.split(", "):
                found[member].append(group)
    return found


def _reached(role: str, edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The role itself and every group it comes to over `edges`, the nearest first."""
    found = [role]
    for each in found:
        found += [group for group in edges.get(each, ()) if group not in found]
    return found


def _worn(
    role: str, worn: Mapping[str, Sequence[str]], lent: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """For each role that `role` may switch to, whose rights it has then."""
    return {other: _reached(other, lent) for other in _reached(role, worn)[1:]}


def _held(
    granted: Mapping[str, Iterable[tuple[str, str]]],
    lent: Iterable[str],
    worn: Mapping[str, Iterable[str]],
) -> Iterator[Held]:
    had = set()
    for group in lent:
        for area, privilege in granted.get(group, ()):
            had.add((area, privilege))
            yield Held(area, privilege, group)
    for other, groups in worn.items():
        added = {right for group in groups for right in granted.get(group, ())} - had
        for area, privilege in added:
            yield Held(area, privilege, other, after_set_role=True)
