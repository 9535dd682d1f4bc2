"""The matrix for people and programs: rows, CSV, and a page that needs nothing else."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from strongroom.rights.answers import Entry
from strongroom.rights.declared import phrases
from strongroom.rights.model import Held, in_order


@dataclass(frozen=True)
class Line:
    """What one role can do on one area, in words."""

    role: str
    privileges: str
    on: str
    through: str
    first: str


def lines(entries: Iterable[Entry]) -> list[Line]:
    """Entries with the same role, area and way together, in the order they come."""
    together: dict[tuple[str, str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        together[entry.role, entry.first, _part(entry), entry.through].append(entry)
    return [
        Line(role, ", ".join(in_order(each.privilege for each in found)), on, through, first)
        for (role, first, on, through), found in together.items()
    ]


def in_words(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """For each role all it can do, as short as it can be said; what SET ROLE would add last."""
    rights: dict[str, dict[str, list[Held]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        held = Held(_part(entry), entry.privilege, entry.through)
        rights[entry.role][entry.first].append(held)
    return {
        role: [
            f"after {first}: {phrase}" if first else phrase
            for first, held in sorted(ways.items())
            for phrase in phrases(held)
        ]
        for role, ways in rights.items()
    }


def _part(entry: Entry) -> str:
    share = "" if entry.objects == entry.of else f" ({entry.objects} of {entry.of})"
    return entry.area + share


def as_csv(entries: Iterable[Entry]) -> str:
    """A header and a line for each entry."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Entry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return text.getvalue()


def as_html(entries: Iterable[Entry], roles: Mapping[str, str], title: str, subtitle: str) -> str:
    """One page, readable on a phone; everything in it is escaped.

    Args:
        entries: the matrix.
        roles: each role to show, and what it is, such as its tier.
        title: what the matrix is of.
        subtitle: where it comes from, and when.
    """
    # Takes 50 ms to import, which nobody else should wait for.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines(entries):
        found[line.role].append(line)
    shown: Sequence[Mapping[str, object]] = [
        {"name": role, "what": what, "lines": found.get(role, [])} for role, what in roles.items()
    ]
    page = environment.get_template("matrix.html")
    return page.render(title=title, subtitle=subtitle, roles=shown)
