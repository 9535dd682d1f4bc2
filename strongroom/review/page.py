"""A review as one page that needs nothing else: the matrix before and after, also on a phone."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

import jinja2
from markupsafe import Markup, escape

from strongroom.review.review import Review
from strongroom.review.rights import Person
from strongroom.review.verdict import headline, operations, verdict
from strongroom.review.words import Value, Words, visible
from strongroom.rights.declared import phrases
from strongroom.rights.model import Held, in_order

#: Privileges that everybody with a role has; they would be columns that tell nothing.
_PLAIN = frozenset({"CONNECT"})
_LOST, _NOTHING, _KEPT, _GAINED = "lost", "never", "kept", "gained"
_SIGNS = {_LOST: "\N{MINUS SIGN}", _NOTHING: "\N{MIDDLE DOT}", _KEPT: "\N{BULLET}", _GAINED: "+"}
_SAID = {_LOST: "loses", _NOTHING: "has not", _KEPT: "keeps", _GAINED: "gains"}


@dataclass(frozen=True)
class Cell:
    """One privilege of one person: a sign that is told apart without colour, and words for it."""

    kind: str
    sign: str
    said: str


@dataclass(frozen=True)
class Row:
    """One person's line of a matrix."""

    person: Person
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """Privileges on one area, such as ``tables in app``, of everyone who has one of them."""

    area: str
    privileges: tuple[str, ...]
    rows: tuple[Row, ...]
    others: tuple[Row, ...]


def page(review: Review) -> str:
    """The whole page, the same for the same review."""
    loader = jinja2.FunctionLoader(lambda name: files(__package__).joinpath(name).read_text())
    surroundings = jinja2.Environment(
        autoescape=True,
        loader=loader,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    surroundings.filters |= {"said": said, "visible": visible}
    changed = [person for person in review.change.people if person.changed]
    return surroundings.get_template("page.html.j2").render(
        review=review,
        change=review.change,
        preview=review.change.preview,
        headline=headline(review),
        verdict=verdict(review),
        operations=operations(review.change.preview),
        changed=changed,
        matrices=matrices(review.change.people),
        phrases=phrases,
    )


def said(words: Words) -> Markup:
    """A sentence in which what files say is marked as such."""
    parts = (
        Markup("<code>{}</code>").format(visible(each)) if isinstance(each, Value) else escape(each)
        for each in words
    )
    return Markup("").join(parts)


def matrices(people: Iterable[Person]) -> list[Matrix]:
    """For each area who has which privilege before and after; those who change come first."""
    everyone = list(people)
    held: dict[str, set[str]] = {}
    for person in everyone:
        for right in (*person.before.held, *person.after.held):
            if right.privilege not in _PLAIN:
                held.setdefault(_area(right), set()).add(right.privilege)
    made = []
    for area in sorted(held, key=lambda each: (not each.startswith("tables"), each)):
        privileges = tuple(in_order(held[area]))
        rows = [Row(person, _cells(person, area, privileges)) for person in everyone]
        moving = [row for row in rows if any(_moves(cell) for cell in row.cells)]
        still = [row for row in rows if row not in moving]
        having = [row for row in still if any(cell.kind == _KEPT for cell in row.cells)]
        made.append(Matrix(area, privileges, tuple(moving), tuple(having)))
    return made


def _moves(cell: Cell) -> bool:
    return cell.kind in (_LOST, _GAINED)


def _cells(person: Person, area: str, privileges: Iterable[str]) -> tuple[Cell, ...]:
    before, after = (
        {right.privilege for right in standing.held if _area(right) == area}
        for standing in (person.before, person.after)
    )
    kinds = {
        (False, False): _NOTHING,
        (False, True): _GAINED,
        (True, False): _LOST,
        (True, True): _KEPT,
    }
    found = []
    for privilege in privileges:
        kind = kinds[privilege in before, privilege in after]
        words = f"{person.role} {_SAID[kind]} {privilege} on {area}"
        found.append(Cell(kind, _SIGNS[kind], words))
    return tuple(found)


def _area(right: Held) -> str:
    return f"{right.area}, {right.switch}" if right.switch else right.area
