"""What each role can do, to tell what it gains and loses between two snapshots; and that in words.

Objects that everybody has the same rights on stay together, as a snapshot has them: object by
object, a thousand people on two thousand tables would be millions of rights.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple, cast

from strongroom.reading.forms import listed
from strongroom.rights.answers import Answers
from strongroom.rights.comparison import SWITCH
from strongroom.rights.effective import Effective
from strongroom.rights.inspection import by_area
from strongroom.rights.model import OWNER, SERVER, Shape, Snapshot, in_order
from strongroom.rights.naming import objects
from strongroom.rights.standing import HAND_ON
from strongroom.tiers import APP_OWNER

#: Instead of a privilege: that the role can take itself, and others, into a group.
_ADMIN = "ADMIN"

#: All of an `Ability` but the privilege.
_Place = tuple[str, str, str, tuple[str, ...]]


class Ability(NamedTuple):
    """One thing one role can do with some objects.

    Attributes:
        first: what the role has to do before, such as ``SET ROLE app_owner``; empty when nothing.
        area: the area, as `Shape.area` names it.
        kind: the kind of object, or ``role``, or ``attribute``.
        names: the objects' full names.
        privilege: PostgreSQL's name of the privilege.
    """

    first: str
    area: str
    kind: str
    names: tuple[str, ...]
    privilege: str

    def one_by_one(self) -> Iterator["Ability"]:
        """The same for each object."""
        return (self._replace(names=(name,)) for name in self.names)


class Abilities:
    """Everything each role of a snapshot can do."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._answers, self._actual = Answers(snapshot), Effective(snapshot)
        self._names = {shape: _names(shape) for shape in snapshot.shapes}

    def of(self, role: str) -> frozenset[Ability]:
        """All of one role, or of PUBLIC.

        Who can switch to an owner can do everything, which is told as one.
        """
        found: dict[_Place, set[str]] = defaultdict(set)
        for first, right in self._answers.abilities(role):
            shape, privilege = right.shape, right.grant.privilege
            rights = found[first, shape.area, shape.kind, self._names[shape]]
            rights |= {privilege, *([privilege + HAND_ON] if right.grant.grantable else [])}
        for (first, *_), rights in found.items():
            if first and OWNER in rights:
                rights &= {OWNER}
        for place, privilege in self._others(role):
            found[place].add(privilege)
        return frozenset(
            Ability(*place, privilege) for place, rights in found.items() for privilege in rights
        )

    def _others(self, role: str) -> Iterator[tuple[_Place, str]]:
        """What is on no object: what others will make, the role's attributes, and other roles."""
        for right in self._actual.rights(role):
            shape = right.shape
            if shape.kind.startswith("future ") and shape.owner != APP_OWNER:
                yield ("", shape.area, shape.kind, self._names[shape]), right.grant.privilege
        if known := self._snapshot.roles.get(role):
            for attribute in known.attributes:
                yield ("", SERVER, "attribute", (role,)), attribute
        if not self._actual.is_superuser(role):
            for other in self._actual.switches(role):
                yield ("", f"role {other}", "role", (other,)), SWITCH
            for other in self._actual.givable(role):
                yield ("", f"role {other}", "role", (other,)), _ADMIN


class Words:
    """Abilities as people read them: objects with the same rights together."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._areas: Mapping[str, Sequence[Shape]] = by_area(snapshot.shapes)
        self._shapes = {(shape.area, shape.kind, _names(shape)): shape for shape in snapshot.shapes}

    def all(self, abilities: Iterable[Ability]) -> list[str]:
        """A phrase for each set of privileges, such as ``SELECT on all 3 tables in app``."""
        given: dict[_Place, set[str]] = defaultdict(set)
        for *place, privilege in abilities:
            given[cast("_Place", tuple(place))].add(privilege)
        alike: dict[tuple[str, str, str, tuple[str, ...]], list[tuple[str, ...]]]
        alike = defaultdict(list)
        for (first, area, kind, names), privileges in given.items():
            alike[first, area, kind, _ordered(frozenset(privileges))].append(names)
        together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        for (first, area, kind, ordered), groups in sorted(alike.items()):
            together[first, ordered].append(self._objects(area, kind, groups))
        return [
            f"{f'after {first}: ' if first else ''}{', '.join(ordered)} on {listed(places, 'and')}"
            for (first, ordered), places in together.items()
        ]

    def _objects(self, area: str, kind: str, groups: Sequence[tuple[str, ...]]) -> str:
        found = [self._shapes.get((area, kind, names)) for names in groups]
        shapes = [shape for shape in found if shape]
        return objects(shapes, self._areas) if shapes else area


@cache
def _ordered(privileges: frozenset[str]) -> tuple[str, ...]:
    return tuple(in_order(privileges))


def _names(shape: Shape) -> tuple[str, ...]:
    return (shape.owner,) if shape.kind.startswith("future ") else shape.full_names
