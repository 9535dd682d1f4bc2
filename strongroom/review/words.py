"""Sentences in which what comes from files is kept apart from what Strongroom says itself.

Names, messages and paths of a change are written by whoever makes it. Marked as `Value`, each
rendering can show them as values and nothing else.
"""

import re
from collections.abc import Iterable

#: What a reader would not see, or would see in another order than it stands there: C0 and C1,
#: zero-width characters, marks of direction, line and paragraph separators, and tags.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)


class Value(str):
    """Text that somebody else wrote."""

    __slots__ = ()


Words = tuple[str | Value, ...]


def visible(text: str) -> str:
    """`text` with every character that hides or turns others around spelled out."""
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain(words: Words) -> str:
    """As one line for a terminal or JSON, values in quotes where they could be misread."""
    return "".join(_quoted(each) if isinstance(each, Value) else each for each in words)


def _quoted(value: Value) -> str:
    shown = visible(value)
    return shown if re.fullmatch(r"[\w.,/:@ +-]+", shown) else f'"{shown}"'


def values(names: Iterable[str], last: str = "and") -> Words:
    """Values as prose: a, b and c."""
    found = [Value(name) for name in names]
    words: list[str | Value] = []
    for place, value in enumerate(found):
        if place:
            words.append(f" {last} " if place == len(found) - 1 else ", ")
        words.append(value)
    return tuple(words)
