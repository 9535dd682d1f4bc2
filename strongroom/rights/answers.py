"""Answers to who can do what, and through whom, about a snapshot or what a roster declares."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from strongroom.errors import StrongroomError
from strongroom.reading.forms import nearest
from strongroom.rights.comparison import is_usual
from strongroom.rights.effective import Effective, Path, Right
from strongroom.rights.inspection import by_area, is_system
from strongroom.rights.model import OWNER, SERVER, Shape, Snapshot, in_order, shown
from strongroom.rights.naming import is_called, objects


@dataclass(frozen=True)
class Answer:
    """One line of an answer.

    Attributes:
        role: who.
        privileges: what it can do; OWNER is everything, to drop it included.
        on: the objects, in words.
        through: the way the right comes: every role between it and `role`.
        first: what the role has to do before, such as ``SET ROLE app_owner``; empty when nothing.
        note: what else to know.
    """

    role: str
    privileges: tuple[str, ...]
    on: str
    through: tuple[str, ...]
    first: str = ""
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One cell of the matrix: a privilege of one role on an area.

    Attributes:
        through: who was granted it; several when it is had in more than one way.
        first: what the role has to do before; empty when nothing.
        objects: on how many objects.
        of: how many objects the area has.
    """

    role: str
    area: str
    privilege: str
    through: str
    first: str
    objects: int
    of: int


class Answers:
    """Questions about one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._actual = Effective(snapshot)
        self._snapshot = snapshot
        self._areas = by_area(snapshot.shapes)
        self._totals: dict[tuple[str, str], int] = defaultdict(int)
        for shape in snapshot.shapes:
            self._totals[shape.area, shape.kind] += len(shape.names)

    def can(self, role: str, called: str | None = None) -> list[Answer]:
        """Everything a role can do, or what it can do on one object.

        Raises:
            StrongroomError: no such role, or no such object.
        """
        self._refuse_unknown(role)
        wanted = None if called is None else {*map(id, self._called(called))}
        found = self.abilities(role)
        attributes = sorted(self._snapshot.roles[role].attributes) if called is None else ()
        answers = [Answer(role, (attribute,), SERVER, ()) for attribute in attributes]
        told: dict[tuple[str, Path, str, str, str], list[Right]] = defaultdict(list)
        for first, right in found:
            shape = right.shape
            if wanted is None or id(shape) in wanted:
                note = shape.trait if shape.kind in ("table", "routine") and shape.trait else ""
                key = (first, right.path, shape.area, shape.kind, note)
                told[key].append(right)
        for (first, path, _, kind, note), rights in told.items():
            answers += self._together(role, first, path, kind, note, rights, called)
        return sorted(answers, key=attrgetter("first", "on", "through"))

    def who_can(self, privilege: str, called: str) -> list[Answer]:
        """Everybody who can sign in and do one thing on an object, sorted by role.

        Args:
            privilege: PostgreSQL's name of it; DROP and ALTER ask for the owner.
            called: the object, such as ``app.orders`` or ``schema app``.

        Raises:
            StrongroomError: no such object.
        """
        asked = privilege.upper()
        asked = OWNER if asked in ("DROP", "ALTER", "OWN") else asked
        wanted = {*map(id, self._called(called))}
        answers = []
        for role, known in sorted(self._snapshot.roles.items()):
            if not known.login or is_system(role):
                continue
            if self._actual.is_superuser(role):
                answers.append(Answer(role, (asked,), called, (), note="superuser"))
                continue
            seen = set()
            for first, right in self.abilities(role):
                given = right.grant.privilege
                if id(right.shape) in wanted and given in (asked, OWNER) and first not in seen:
                    seen.add(first)
                    note = "as its owner" if given == OWNER != asked else right.shape.trait or ""
                    on = f"column {called}" if right.shape.kind == "column" else called
                    answers.append(Answer(role, (asked,), on, _way(right.path), first, note))
        return answers

    def entries(self, roles: Iterable[str]) -> list[Entry]:
        """The matrix of some roles: for each every privilege on every area."""
        return [entry for role in roles for entry in self._entries(role)]

    def _entries(self, role: str) -> Iterator[Entry]:
        for attribute in sorted(self._snapshot.roles[role].attributes):
            yield Entry(role, SERVER, attribute, role, "", 1, 1)
        found: dict[tuple[str, str, str, str], set[Shape]] = defaultdict(set)
        through: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
        for first, right in self.abilities(role):
            shape = right.shape
            key = (first, shape.area, shape.kind, right.grant.privilege)
            found[key].add(shape)
            through[key].add(shown(right.grant.grantee))
        for (first, area, kind, privilege), shapes in sorted(found.items(), key=lambda one: one[0]):
            names = ", ".join(sorted(through[first, area, kind, privilege]))
            count = sum(len(shape.names) for shape in shapes)
            where = f"columns of {area}" if kind == "column" else area
            total = self._totals[area, kind]
            yield Entry(role, where, privilege, names, first, count, total)

    def abilities(self, role: str) -> Iterator[tuple[str, Right]]:
        """Every right, and what the role has to do first; nothing that it has already is added."""
        had = set()
        for right in self._news(role):
            had.add((right.shape, right.grant.privilege))
            yield "", right
        ways = [("SET ROLE", path) for path in self._actual.switches(role).values()]
        ways += [("GRANT", path) for path in self._actual.givable(role).values()]
        for how, path in ways if not self._actual.is_superuser(role) else ():
            other = path[-1]
            first = f"SET ROLE {other}" if how == "SET ROLE" else f"GRANT {other} TO {role}"
            for right in self._news(other):
                if (right.shape, right.grant.privilege) not in had:
                    yield first, Right(right.shape, right.grant, (*path, *right.path[1:]))

    def _news(self, role: str) -> Iterator[Right]:
        for right in self._actual.rights(role):
            if not right.shape.kind.startswith("future ") and not is_usual(right):
                yield right

    def _together(
        self,
        role: str,
        first: str,
        path: Path,
        kind: str,
        note: str,
        rights: list[Right],
        called: str | None,
    ) -> Iterator[Answer]:
        """Rights had the same way: objects with the same privileges in one line."""
        given: dict[Shape, set[str]] = defaultdict(set)
        for right in rights:
            given[right.shape].add(right.grant.privilege)
        alike: dict[tuple[str, ...], list[Shape]] = defaultdict(list)
        for shape, privileges in given.items():
            alike[tuple(in_order(privileges))].append(shape)
        if note == "SECURITY DEFINER":
            note = f"runs as {rights[0].shape.owner}"
        for ordered, shapes in alike.items():
            on = called if called and kind != "column" else objects(shapes, self._areas)
            yield Answer(role, ordered, on, _way(path), first, note)

    def _called(self, called: str) -> list[Shape]:
        found = [shape for shape in self._snapshot.shapes if is_called(shape, called)]
        if not found:
            raise StrongroomError(
                f"There is nothing called {called} in database {self._snapshot.database}, so "
                "nobody can do anything with it. Name a table, sequence or routine with its "
                "schema (app.orders), or say what it is: `schema app`, `database app`."
            )
        return found

    def _refuse_unknown(self, role: str) -> None:
        if role not in self._snapshot.roles:
            near = nearest(role, self._snapshot.roles)
            hint = f" Did you mean {near}?" if near else ""
            raise StrongroomError(f"There is no role {role}, so it can do nothing.{hint}")


def _way(path: Path) -> tuple[str, ...]:
    return tuple(shown(each) for each in path[1:])
