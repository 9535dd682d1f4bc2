"""What a reader of one format is given, and how it says that it does not understand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from strongroom.guard.targets import Entry, Origin


class NotUnderstoodError(Exception):
    """The text is not of the format its name promises; it is still searched as text."""


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, parted as editors do: by line feeds, nothing else."""
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.removesuffix("\r")


@dataclass(frozen=True)
class Document:
    """A text with the name it is reported under.

    Attributes:
        source: the path as shown.
        text: the content.
        scope: which other settings may complete those of a flat file, such as its folder.
        variables: what ``${X}`` and ``ENV["X"]`` in it stand for.
    """

    source: str
    text: str = field(repr=False)
    scope: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def entry(self, path: tuple[str, ...], value: str, line: int, shared: bool = False) -> Entry:
        """One setting of this document; a `shared` one may be completed from other files."""
        scope = self.scope if shared else self.source
        return Entry(path, value, Origin(self.source, line), scope)
