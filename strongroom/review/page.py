"""A review as one page that needs nothing else: the matrix before and after, also on a phone."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from strongroom.review.review import Review
from strongroom.review.rights import Person
from strongroom.review.verdict import headline, operations, verdict
from strongroom.review.words import Value, Words, visible
from strongroom.rights.declared import phrases
from strongroom.rights.model import Held, in_order

# Jinja2 is there when a page is made; the guard's hook does without.
if TYPE_CHECKING:
    from markupsafe import Markup

#: Columns beside the privileges on tables.
_OWN, _SEQUENCES, _ROUTINES = "OWN (SET ROLE)", "SEQUENCES", "ROUTINES"
_LAST = (_SEQUENCES, _ROUTINES, _OWN)
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
    """Who can do what in one schema.

    Attributes:
        schema: the schema.
        columns: privileges on its tables, then what is done with sequences, routines and owning.
        rows: those whose rights change.
        others: those who have some, as before.
    """

    schema: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    others: tuple[Row, ...]


def page(review: Review) -> str:
    """The whole page, the same for the same review."""
    import jinja2

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


def said(words: Words) -> "Markup":
    """A sentence in which what files say is marked as such."""
    from markupsafe import Markup, escape

    parts = (
        Markup("<code>{}</code>").format(visible(each)) if isinstance(each, Value) else escape(each)
        for each in words
    )
    return Markup("").join(parts)


def matrices(people: Iterable[Person]) -> list[Matrix]:
    """For each schema who has which rights before and after."""
    everyone = list(people)
    held: dict[str, set[str]] = {}
    for person in everyone:
        for right in (*person.before.held, *person.after.held):
            if place := _place(right):
                held.setdefault(place[0], set()).add(place[1])
    return [_matrix(everyone, schema, held[schema]) for schema in sorted(held)]


def _matrix(everyone: list[Person], schema: str, used: set[str]) -> Matrix:
    columns = (*in_order(used - set(_LAST)), *(each for each in _LAST if each in used))
    rows = [Row(person, _cells(person, schema, columns)) for person in everyone]
    still = [row for row in rows if not any(map(_moves, row.cells))]
    return Matrix(
        schema=schema,
        columns=columns,
        rows=tuple(row for row in rows if any(map(_moves, row.cells))),
        others=tuple(row for row in still if any(cell.kind == _KEPT for cell in row.cells)),
    )


def _moves(cell: Cell) -> bool:
    return cell.kind in (_LOST, _GAINED)


def _cells(person: Person, schema: str, columns: Iterable[str]) -> tuple[Cell, ...]:
    before, after = (
        {place for right in standing.held if (place := _place(right))}
        for standing in (person.before, person.after)
    )
    kinds = {
        (False, False): _NOTHING,
        (False, True): _GAINED,
        (True, False): _LOST,
        (True, True): _KEPT,
    }
    found = []
    for column in columns:
        place = (schema, column)
        kind = kinds[place in before, place in after]
        words = f"{person.role} {_SAID[kind]} {column} in {schema}"
        found.append(Cell(kind, _SIGNS[kind], words))
    return tuple(found)


def _place(right: Held) -> tuple[str, str] | None:
    """The schema and column a right belongs into; None for those that open the door only."""
    kind, _, schema = right.area.partition(" in ")
    if right.privilege == "OWNER" and schema:
        return schema, _OWN
    if not schema or right.after_set_role:
        return None
    names = {"sequences": _SEQUENCES, "routines": _ROUTINES}
    return schema, names.get(kind, right.privilege)
