"""The rights as they will be: what is handed over and taken back, then what the roster gives.

`strongroom.adoption.handover` writes its statements by the same decisions, so that what is shown is
what is done. Where one change brings another, this does as PostgreSQL does: a new owner takes the
old one's place in every grant, and a grant ends with the right to give it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from strongroom.people import Member, Service
from strongroom.rights.comparison import is_usual
from strongroom.rights.declared import area_of, declared
from strongroom.rights.effective import Right
from strongroom.rights.inspection import is_system
from strongroom.rights.model import OWNER, PUBLIC, Grant, Membership, Role, Shape, Snapshot
from strongroom.rights.putting_right import FUTURE, KINDS
from strongroom.rights.rules import Rule, memberships, rules
from strongroom.rights.standing import HAND_ON, Standing, standings
from strongroom.tiers import APP_OWNER, PROVISIONER, REPLICATOR

#: What app_owner owns in a guarded schema; a table brings its own sequences along.
OWNED = ("table", "sequence", "routine", "type")

#: Memberships that stay: no grant makes the first, and by the second one signs in.
_KEPT = frozenset({"pg_database_owner", "rds_iam"})


class Handover:
    """What has to change before a roster holds, and what is then.

    Attributes:
        snapshot: the rights as they are.
        root: who gets what lies outside the guarded schemas.
        schemas: the schemas that will be guarded.
        placed: the roles that the roster names.
        people: those of them that are people's.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        root: str,
        schemas: Sequence[str],
        members: Sequence[Member],
        services: Sequence[Service],
    ) -> None:
        people = declared(schemas, members, services)
        self.snapshot, self.root, self.schemas = snapshot, root, schemas
        self.placed = frozenset(people)
        self.people = frozenset(member.role for member in members)
        self._standings = standings(schemas, people)
        self._rules: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        for rule in rules(schemas, members, services):
            self._rules[rule.object_type, area_of(rule)].append(rule)
        groups = memberships(members, services)
        self._groups = (*groups, PROVISIONER)
        self._links = {
            Membership(group, member, PROVISIONER, "INHERIT" in options, "SET" in options, False)
            for group, found in groups.items()
            for member, options in found.items()
        }
        self._links.add(Membership(APP_OWNER, PROVISIONER, root, True, True, True))

    def owner(self, shape: Shape) -> str:
        """Who will own the objects."""
        if shape.kind in FUTURE:
            return shape.owner
        if not shape.extension:
            if shape.kind == "schema" and shape.names[0] in self.schemas:
                return PROVISIONER
            if shape.kind in (*OWNED, "column") and shape.schema in self.schemas:
                return APP_OWNER
        return self.root if shape.owner in self.placed else shape.owner

    def handed_over(self, shape: Shape) -> list[Grant]:
        """The grants as they are after a change of owner."""
        old, new = shape.owner, self.owner(shape)
        moved = {old: new} if old != new else {}
        return [
            replace(
                grant,
                grantee=moved.get(grant.grantee, grant.grantee),
                grantor=moved.get(grant.grantor, grant.grantor),
            )
            for grant in shape.grants
        ]

    def kept(self, shape: Shape, grant: Grant) -> Grant | None:
        """What is left of one of `handed_over`: all, the right without its option, or nothing."""
        if shape.kind not in (*KINDS, *FUTURE) or grant.privilege == OWNER:
            return grant
        if grant.grantee == PUBLIC:
            if is_usual(Right(shape, grant, ())) or self._allows(PUBLIC, shape, grant.privilege):
                return grant
            return None
        if grant.grantee not in self.placed:
            return grant
        if not self._allows(grant.grantee, shape, grant.privilege):
            return None
        handed_on = grant.grantable and self._allows(
            grant.grantee, shape, grant.privilege + HAND_ON
        )
        return replace(grant, grantable=handed_on)

    def is_roots(self, role: str) -> bool:
        """Whether a role keeps its attributes and predefined groups; every `up` sees to that."""
        return role in (self.root, PROVISIONER, REPLICATOR) or is_system(role)

    def stays(self, one: Membership) -> bool:
        """Whether a membership stays: of and in nobody who is placed, and no predefined group.

        Root's do: by them a master, who is no superuser, manages the roles it made.
        """
        if one.group in _KEPT or one.member in (PROVISIONER, self.root):
            return True
        if is_system(one.group) and not self.is_roots(one.member):
            return False
        if one.group not in self.placed and one.member not in self.placed:
            return True
        return replace(one, grantor=PROVISIONER) in self._links

    def after(self) -> Snapshot:
        """The rights when it is done and the roster holds."""
        roles = {
            role: known if self.is_roots(role) else replace(known, attributes=frozenset())
            for role, known in self.snapshot.roles.items()
        }
        for group in self._groups:
            roles.setdefault(group, Role(group, group == PROVISIONER))
        links = self._without_dangling(
            [one for one in self.snapshot.memberships if self.stays(one)]
        )
        links += self._links.difference(links)
        links += [
            Membership(role, PROVISIONER, self.root, False, False, True)
            for role in sorted(self.placed)
        ]
        shapes = tuple(self._shape(shape) for shape in self.snapshot.shapes)
        return Snapshot(self.snapshot.database, roles, tuple(links), shapes)

    def _allows(self, role: str, shape: Shape, privilege: str) -> bool:
        everybody = self._standings[PUBLIC]
        standing = self._standings.get(role, Standing())
        return standing.allows(shape.area, privilege) or everybody.allows(shape.area, privilege)

    def _shape(self, shape: Shape) -> Shape:
        owner = self.owner(shape)
        left = [kept for grant in self.handed_over(shape) if (kept := self.kept(shape, grant))]
        if shape.kind not in FUTURE:
            left = _still_given(left, owner)
        return replace(shape, owner=owner, grants=(*left, *self._given(shape, owner)))

    def _given(self, shape: Shape, owner: str) -> Iterator[Grant]:
        for rule in self._rules.get((shape.kind, shape.area), ()):
            for privilege in rule.privileges:
                yield Grant(rule.role, owner, privilege)

    def _without_dangling(self, links: list[Membership]) -> list[Membership]:
        """Without those whose grantor has no ADMIN any more; PostgreSQL revokes them along."""
        superusers = {
            role for role, known in self.snapshot.roles.items() if "SUPERUSER" in known.attributes
        }
        might = {(one.group, one.member) for one in self.snapshot.memberships if one.admin}
        while True:
            may = {(one.group, one.member) for one in links if one.admin}
            left = [
                one
                for one in links
                if one.group in _KEPT
                or one.grantor in superusers
                or (one.group, one.grantor) in may
                or (one.group, one.grantor) not in might
            ]
            if len(left) == len(links):
                return left
            links = left


def _still_given(grants: list[Grant], owner: str) -> list[Grant]:
    """Without those whose grantor may not give any more; PostgreSQL revokes them along."""
    while True:
        may = {(each.grantee, each.privilege) for each in grants if each.grantable}
        left = [
            each
            for each in grants
            if each.grantor in ("", owner) or (each.grantor, each.privilege) in may
        ]
        if len(left) == len(grants):
            return left
        grants = left
