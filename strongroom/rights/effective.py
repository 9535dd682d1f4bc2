"""What each role can do in the end: by itself, through groups, and what a switch of roles adds.

As PostgreSQL decides it (acl.c, roles_is_member_of): rights come over memberships WITH INHERIT,
SET ROLE goes over memberships WITH SET, ADMIN lets a member give itself either, a superuser may do
everything, and attributes are never inherited.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from strongroom.rights.model import PUBLIC, Grant, Membership, Shape, Snapshot

#: A way from a role to another: every role passed, both ends included.
Path = tuple[str, ...]


@dataclass(frozen=True)
class Right:
    """A privilege that a role has on objects.

    Attributes:
        shape: the objects.
        grant: the grant it comes from, to the last role of `path` or to PUBLIC.
        path: from the role itself to whoever was granted it.
    """

    shape: Shape
    grant: Grant
    path: Path


class Effective:
    """Answers about one snapshot; what was found out once is kept."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._inherit = _edges(snapshot, lambda one: one.inherit)
        self._settable = _edges(snapshot, lambda one: one.settable)
        self._admin = _edges(snapshot, lambda one: one.admin)
        self._lenders: dict[str, dict[str, Path]] = {}
        self._granted: dict[str, list[tuple[Shape, Grant]]] = defaultdict(list)
        for shape in snapshot.shapes:
            for grant in shape.grants:
                self._granted[grant.grantee].append((shape, grant))

    def is_superuser(self, role: str) -> bool:
        """Whether no check applies to the role."""
        found = self.snapshot.roles.get(role)
        return found is not None and "SUPERUSER" in found.attributes

    def granted(self, role: str) -> list[tuple[Shape, Grant]]:
        """What is granted to a role itself, or to PUBLIC."""
        return self._granted.get(role, [])

    def lenders(self, role: str) -> Mapping[str, Path]:
        """Everyone whose rights the role has, itself and PUBLIC included, with the way there."""
        if role not in self._lenders:
            found = _reached(role, self._inherit)
            self._lenders[role] = {**found, PUBLIC: (role, PUBLIC)} if role else found
        return self._lenders[role]

    def switches(self, role: str) -> dict[str, Path]:
        """Whom the role may SET ROLE to, with the way there."""
        if self.is_superuser(role):
            return {other: (role, other) for other in self.snapshot.roles if other != role}
        found = _reached(role, self._settable)
        return {other: path for other, path in found.items() if other != role}

    def givable(self, role: str) -> dict[str, Path]:
        """Groups the role may give itself, by ADMIN of its own or of a group it has rights of.

        Only a superuser gives a superuser's role away.
        """
        found: dict[str, Path] = {}
        for lender, path in self.lenders(role).items():
            for group in self._admin.get(lender, ()):
                if not self.is_superuser(group):
                    found.setdefault(group, (*path, group))
        return found

    def rights(self, role: str) -> Iterator[Right]:
        """Every right the role has without SET ROLE; of a superuser only what was granted."""
        for lender, path in self.lenders(role).items():
            for shape, grant in self.granted(lender):
                yield Right(shape, grant, path)

    def membership(self, group: str, member: str) -> list[Membership]:
        """The memberships of `member` in `group`: one for each grantor."""
        pairs = self.snapshot.memberships
        return [one for one in pairs if (one.group, one.member) == (group, member)]


def _edges(snapshot: Snapshot, follows: Callable[[Membership], bool]) -> dict[str, list[str]]:
    """For each member the groups it is in by a membership that `follows`."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in snapshot.memberships:
        if follows(one) and one.group not in found[one.member]:
            found[one.member].append(one.group)
    return found


def _reached(role: str, edges: Mapping[str, list[str]]) -> dict[str, Path]:
    """Every role that is come to over `edges`, the shortest way to it; `role` itself first."""
    found: dict[str, Path] = {role: (role,)}
    waiting = [role]
    for each in waiting:
        for group in edges.get(each, ()):
            if group not in found:
                found[group] = (*found[each], group)
                waiting.append(group)
    return found
