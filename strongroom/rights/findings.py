"""Deviations in words: who, what, and through which grant, a sentence each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from strongroom.reading.forms import listed
from strongroom.rights.comparison import (
    SWITCH,
    Attribute,
    Deviation,
    Extra,
    Lacking,
    Link,
    strangers,
)
from strongroom.rights.declared import phrases
from strongroom.rights.inspection import by_area
from strongroom.rights.model import OWNER, PUBLIC, SERVER, Held, Shape, Snapshot, in_order, shown
from strongroom.rights.naming import objects
from strongroom.rights.standing import HAND_ON, Standing

Roles = tuple[str, ...]

#: Names told one by one; the others are counted.
_TOLD = 4


def sentences(
    deviations: Iterable[Deviation], snapshot: Snapshot, wanted: Mapping[str, Standing]
) -> list[str]:
    """All deviations, what is too much before what is missing; sorted.

    Args:
        deviations: what `comparison.compare` found.
        snapshot: what it was found in.
        wanted: what it was compared with.
    """
    return _Words(snapshot, wanted).all([*deviations])


class _Words:
    def __init__(self, snapshot: Snapshot, wanted: Mapping[str, Standing]) -> None:
        self._strangers = {*strangers(snapshot, wanted)}
        self._areas = by_area(snapshot.shapes)
        self._grantors: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in snapshot.memberships:
            self._grantors[one.group, one.member].append(one.grantor)

    def all(self, deviations: Sequence[Deviation]) -> list[str]:
        more = [
            *self._extras(
                (each.cause, each.roles) for each in deviations if isinstance(each.cause, Extra)
            ),
            *self._links((each.cause, each) for each in deviations if isinstance(each.cause, Link)),
            *(_attribute(each.cause) for each in deviations if isinstance(each.cause, Attribute)),
        ]
        lacks = self._lacks(
            (each.cause, each.roles) for each in deviations if isinstance(each.cause, Lacking)
        )
        return [*sorted(more), *sorted(lacks)]

    def _extras(self, found: Iterable[tuple[Extra, Roles]]) -> list[str]:
        """By grantee and grantor: objects with the same privileges together."""
        given: dict[tuple[str, str, Roles, Shape], set[str]] = defaultdict(set)
        for cause, roles in found:
            grant = cause.grant
            privilege = grant.privilege + (HAND_ON if grant.grantable else "")
            given[grant.grantee, grant.grantor, roles, cause.shape].add(privilege)
        alike: dict[tuple[str, str, Roles, str, str, tuple[str, ...]], list[Shape]]
        alike = defaultdict(list)
        for (grantee, grantor, roles, shape), privileges in given.items():
            ordered = tuple(in_order(privileges))
            alike[grantee, grantor, roles, shape.area, shape.kind, ordered].append(shape)
        return [
            self._extra(grantee, grantor, roles, shapes, ordered)
            for (grantee, grantor, roles, _, _, ordered), shapes in alike.items()
        ]

    def _extra(
        self,
        grantee: str,
        grantor: str,
        roles: Roles,
        shapes: list[Shape],
        privileges: tuple[str, ...],
    ) -> str:
        who, has = self._who(roles)
        told = objects(shapes, self._areas)
        if privileges == (OWNER,):
            return f"{who} {'owns' if has == 'has' else 'own'} {told}"
        through = "" if roles in ((grantee,), (PUBLIC,)) else f" through {shown(grantee)}"
        by = f", granted to {shown(grantee)} by {grantor}" if grantor else ""
        return f"{who} {has} {', '.join(privileges)} on {told}{through}{by}"

    def _links(self, links: Iterable[tuple[Link, Deviation]]) -> list[str]:
        by_pair: dict[tuple[str, str], dict[str, Deviation]] = defaultdict(dict)
        for cause, deviation in links:
            by_pair[cause.group, cause.member][cause.how] = deviation
        lines = []
        for (group, member), found in by_pair.items():
            rights = {right for each in found.values() for right in each.rights}
            worn = {area.removeprefix("role ") for area, given in rights if given == SWITCH}
            rights = {right for right in rights if right[1] != SWITCH}
            ways = [_way(how, group, worn) for how in sorted(found, reverse=True)]
            roles = sorted({role for each in found.values() for role in each.roles} - {member})
            gains = f", so {_abilities(rights)}" if rights else ""
            others = f"; with it {self._who(roles)[0]}" if roles else ""
            by = listed(sorted({*self._grantors[group, member]}), "and")
            who, _ = self._who((member,))
            lines.append(f"{who} {' and '.join(ways)}, granted by {by}{gains}{others}")
        return lines

    def _lacks(self, found: Iterable[tuple[Lacking, Roles]]) -> list[str]:
        missing: dict[tuple[str, str, Roles, Shape | None], set[str]] = defaultdict(set)
        for cause, roles in found:
            area, privilege = cause.ability
            missing[cause.role, area, roles, cause.shape].add(privilege)
        alike: dict[tuple[str, str, Roles, tuple[str, ...]], list[Shape]] = defaultdict(list)
        for (role, area, roles, shape), privileges in missing.items():
            alike[role, area, roles, tuple(in_order(privileges))] += [shape] if shape else []
        lines = []
        for (role, area, roles, ordered), shapes in alike.items():
            others = sorted({*roles} - {role})
            with_it = f"; with it {self._who(others)[0]}" if others else ""
            told = objects(shapes, self._areas) if shapes else area
            gone = "" if shapes or area.startswith("future ") else ", which does not exist"
            lines.append(f"{role} lacks {', '.join(ordered)} on {told}{gone}{with_it}")
        return lines

    def _who(self, roles: Sequence[str]) -> tuple[str, str]:
        if tuple(roles) == (PUBLIC,):
            return "everybody", "has"
        named = [
            f"{role} (a role nobody declared)" if role in self._strangers else shown(role)
            for role in roles
        ]
        told = named if len(named) <= _TOLD else [*named[: _TOLD - 1], f"{len(named) - 3} more"]
        return listed(told, "and"), "has" if len(roles) == 1 else "have"


def _way(how: str, group: str, worn: set[str]) -> str:
    if how == "can give itself":
        return f"can give itself the rights of {group}"
    return f"{how} {group if how != 'can SET ROLE' else listed(sorted(worn), 'and')}"


def _abilities(rights: Iterable[tuple[str, str]]) -> str:
    found = phrases(Held(area, privilege, "") for area, privilege in rights if _is_news(area))
    told = found if len(found) <= _TOLD else [*found[: _TOLD - 1], "more"]
    return listed(told, "and") if found else "what that lets it do on the server"


def _is_news(area: str) -> bool:
    return area != SERVER and not area.startswith("future ")


def _attribute(cause: Attribute) -> str:
    if not cause.missing:
        return f"{cause.role} has the attribute {cause.name}"
    return f"{cause.role} is missing, or has NOLOGIN"
