"""Declared against actual: who can do more than declared, who less, and which grant makes it so.

A right that many people have through one grant is one deviation that names them all, so that what
is to be taken back can be read off it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from strongroom.rights.effective import Effective, Path, Right
from strongroom.rights.inspection import is_system
from strongroom.rights.model import OWNER, PUBLIC, Grant, Shape, Snapshot
from strongroom.rights.standing import HAND_ON, Ability, Standing
from strongroom.tiers import APP_OWNER

#: In the rights a membership gives: that the role can be switched to.
SWITCH = "SET ROLE"


@dataclass(frozen=True)
class Extra:
    """Rights beyond what is declared that a grant on objects gives; or ownership.

    Attributes:
        shape: the objects.
        grant: what gives it.
    """

    shape: Shape
    grant: Grant


@dataclass(frozen=True)
class Link:
    """A membership by which somebody can do more than declared.

    Attributes:
        group: the group.
        member: who should not be in it, or not like this.
        how: ``has the rights of``, ``can SET ROLE`` or ``can give itself``.
    """

    group: str
    member: str
    how: str


@dataclass(frozen=True)
class Attribute:
    """Something a role may do by itself, such as SUPERUSER; LOGIN for one that cannot sign in."""

    role: str
    name: str
    missing: bool = False


@dataclass(frozen=True)
class Lacking:
    """What a role should be able to do on objects and cannot.

    Attributes:
        role: the role that was to be granted it, or that should have it through a group.
        shape: the objects; None for an area that does not exist.
        ability: area and privilege.
    """

    role: str
    shape: Shape | None
    ability: Ability


Cause = Extra | Link | Attribute | Lacking


@dataclass(frozen=True)
class Deviation:
    """One cause, and whom it concerns.

    Attributes:
        cause: the grant, membership or attribute that is too much, or what is missing.
        roles: who can do more, or less, for it; sorted.
        rights: for a membership, what is had through it: areas and privileges.
    """

    cause: Cause
    roles: tuple[str, ...]
    rights: frozenset[Ability] = frozenset()


def compare(snapshot: Snapshot, wanted: Mapping[str, Standing]) -> list[Deviation]:
    """Everything in which the rights differ from how every role should stand.

    Args:
        snapshot: the rights as they are.
        wanted: how each role should stand; any other role should be able to do nothing. The
            system's own roles are not judged, as root is not.
    """
    return _Comparison(snapshot, wanted).deviations()


class _Comparison:
    def __init__(self, snapshot: Snapshot, wanted: Mapping[str, Standing]) -> None:
        self._wanted = wanted
        self._actual = Effective(snapshot)
        self._roles = [
            role
            for role in sorted({*snapshot.roles, *wanted})
            if not _is_left_alone(role, snapshot, wanted)
        ]
        self._concerned: dict[Cause, set[str]] = defaultdict(set)
        self._through: dict[Cause, set[Ability]] = defaultdict(set)
        self._seen: dict[object, tuple[list[Right], list[Lacking]]] = {}
        self._areas: dict[str, list[Shape]] = defaultdict(list)
        for shape in snapshot.shapes:
            self._areas[shape.area].append(shape)
        self._future = {
            (shape.area, grant.grantee, grant.privilege)
            for shape in snapshot.shapes
            if shape.kind.startswith("future ") and shape.owner == APP_OWNER
            for grant in shape.grants
        }

    def deviations(self) -> list[Deviation]:
        for role in self._roles:
            self._judge(role)
        return [
            Deviation(cause, tuple(sorted(roles)), frozenset(self._through[cause]))
            for cause, roles in self._concerned.items()
        ]

    def _standing(self, role: str) -> Standing:
        return self._wanted.get(role, _NOTHING)

    def _judge(self, role: str) -> None:
        if role != PUBLIC:
            self._attributes(role)
            if role not in self._actual.snapshot.roles or self._actual.is_superuser(role):
                return
        standing = self._standing(role)
        extra, lacking = self._differences(role)
        for right in extra:
            self._blame(role, right)
        for lack in lacking:
            self._note(self._nearest_lack(role, lack), role)
        for ability in standing.given:
            area, privilege = ability
            if " in " in area and (f"future {area}", role, privilege) not in self._future:
                self._note(Lacking(role, None, (f"future {area}", privilege)), role)
        self._switches(role)

    def _attributes(self, role: str) -> None:
        standing, known = self._standing(role), self._actual.snapshot.roles.get(role)
        for attribute in known.attributes - standing.attributes if known else ():
            self._note(Attribute(role, attribute), role)
        login = known is not None and known.login
        wanted = standing.login if known or standing.login is None else True
        if wanted not in (None, login):
            self._note(Attribute(role, "LOGIN", missing=not login), role)

    def _differences(self, role: str) -> tuple[list[Right], list[Lacking]]:
        """Too much and too little; people of a tier who have nothing of their own are alike."""
        lenders = self._actual.lenders(role)
        standing = self._standing(role)
        own = (role,) if self._actual.granted(role) or standing.given else ()
        alike = (standing.must, standing.may, own, frozenset(lenders) - {role})
        if alike not in self._seen:
            self._seen[alike] = [*self._too_much(role)], [*self._too_little(role)]
        extra, lacking = self._seen[alike]
        renamed = [Right(each.shape, each.grant, self._path(role, each)) for each in extra]
        return renamed, [Lacking(role, each.shape, each.ability) for each in lacking]

    def _path(self, role: str, right: Right) -> Path:
        grantee = right.grant.grantee
        return self._actual.lenders(role)[role if right.path == right.path[:1] else grantee]

    def _too_much(self, role: str) -> Iterator[Right]:
        standing, everybody = self._standing(role), self._standing(PUBLIC)
        for right in self._actual.rights(role):
            area, grant = right.shape.area, right.grant
            if grant.grantee == PUBLIC and role != PUBLIC:
                continue  # told once, as everybody's
            if grant.grantee == PUBLIC and is_usual(right):
                continue
            handed = grant.privilege + (HAND_ON if grant.grantable else "")
            owns = grant.grantee == right.shape.owner
            if not (standing.allows(area, handed) or everybody.allows(area, handed)) and not (
                owns and grant.privilege != OWNER  # its owner may do all there is, and says so
            ):
                yield right

    def _too_little(self, role: str) -> Iterator[Lacking]:
        lenders = self._actual.lenders(role)
        for area, privilege in sorted(self._standing(role).must):
            if privilege == OWNER:
                continue  # another owner is too much of that one
            shapes = [shape for shape in self._areas.get(area, ()) if shape.kind != "column"]
            if not shapes and " in " not in area:
                yield Lacking(role, None, (area, privilege))
            for shape in shapes:
                if not any(
                    grant.privilege == privilege and grant.grantee in lenders
                    for grant in shape.grants
                ):
                    yield Lacking(role, shape, (area, privilege))

    def _nearest_lack(self, role: str, lack: Lacking) -> Lacking:
        """Name the group that lacks a right, not everybody who has it through the group."""
        for lender in self._actual.lenders(role):
            if lender and lack.ability in self._standing(lender).given:
                return Lacking(lender, lack.shape, lack.ability)
        return lack

    def _blame(self, role: str, right: Right) -> None:
        """Note the membership that leads to what the group rightly has, or else the grant."""
        area, privilege = right.shape.area, right.grant.privilege
        for member, group in pairwise(right.path):
            rightly = is_system(group) or self._standing(group).allows(area, privilege)
            if group and rightly and not self._standing(member).allows(area, privilege):
                link = Link(group, member, "has the rights of")
                self._through[link].add((area, privilege))
                self._note(link, role)
                return
        self._note(Extra(right.shape, right.grant), role)

    def _switches(self, role: str) -> None:
        standing = self._standing(role)
        allowed = standing.switches | self._standing(PUBLIC).switches
        for other, path in self._actual.switches(role).items():
            if other not in allowed:
                link = self._wrong_link(path, "can SET ROLE")
                self._through[link].add((f"role {other}", SWITCH))
                self._note(link, role)
        if not standing.hands_on:
            for path in self._actual.givable(role).values():
                self._note(Link(path[-1], path[-2], "can give itself"), role)

    def _wrong_link(self, path: Path, how: str) -> Link:
        for member, group in pairwise(path):
            if group not in self._standing(member).switches:
                return Link(group, member, how)
        return Link(path[-1], path[-2], how)

    def _note(self, cause: Cause, role: str) -> None:
        self._concerned[cause].add(role)


_NOTHING = Standing()


def is_usual(right: Right) -> bool:
    """What PostgreSQL, or an extension, gives to everybody and nobody misses or minds."""
    shape, privilege = right.shape, right.grant.privilege
    if "information_schema" in (shape.schema, shape.names[0] if shape.kind == "schema" else None):
        return privilege in ("SELECT", "USAGE")
    if shape.kind == "database" and shape.owner.startswith("rds"):
        return True  # RDS's own, which lets nobody in
    if shape.extension:
        return shape.trait != "SECURITY DEFINER"
    return shape.kind == "type" and privilege == "USAGE"


def strangers(snapshot: Snapshot, wanted: Mapping[str, Standing]) -> list[str]:
    """Roles that nobody declared, whether or not they can do anything; sorted."""
    return sorted(
        role
        for role in snapshot.roles
        if role not in wanted and not _is_left_alone(role, snapshot, wanted)
    )


def _is_left_alone(role: str, snapshot: Snapshot, wanted: Mapping[str, Standing]) -> bool:
    """Root and the system's own roles; on a server that is not RDS's, nobody is RDS's either."""
    if role.startswith("rds") and "rdsadmin" not in snapshot.roles:
        return False
    return not wanted.get(role, _NOTHING).judged or is_system(role)


def counts(snapshot: Snapshot, schemas: Iterable[str]) -> tuple[int, int]:
    """How many tables there are in `schemas`, and how many of the schemas exist."""
    wanted = {*schemas}
    shapes = snapshot.shapes
    tables = sum(
        len(each.names) for each in shapes if each.kind == "table" and each.schema in wanted
    )
    return tables, sum(each.kind == "schema" and each.names[0] in wanted for each in shapes)
