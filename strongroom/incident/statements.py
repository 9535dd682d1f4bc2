"""What a statement would destroy, told from its text: comments, quotes and bodies are not read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from strongroom.incident.events import Kind

# Identifiers first: a dollar sign inside one begins no quote (PostgreSQL documentation, 4.1).
_PIECE = re.compile(
    r"""--[^\n]* | /\* | [eE]'(?:[^'\\]|\\.|'')*' | [^\W\d][\w$]* | \$(?:[^\W\d]\w*)?\$
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | \s+ | .""",
    re.VERBOSE | re.DOTALL,
)
_NESTED = re.compile(r"/\*|\*/")
# What text that is run by something else would hold to destroy anything.
_MENTIONS = re.compile(r"\b(drop|truncate|delete|execute)\b", re.IGNORECASE)
_PLAIN = re.compile(r'"([a-z_][a-z0-9_$]*)"')

_DROPS = {
    ("database",): Kind.DATABASE,
    ("schema",): Kind.SCHEMA,
    ("owned", "by"): Kind.TABLE,
    ("table",): Kind.TABLE,
    ("materialized", "view"): Kind.TABLE,
}


@dataclass(frozen=True)
class Action:
    """What one statement would destroy.

    Attributes:
        kind: what it does.
        names: of what, as written; plain names without quotes.
        whole: for a DELETE, that it has no WHERE; True for everything else.
        owned: for DROP OWNED, which drops schemas as well as tables.
    """

    kind: Kind
    names: tuple[str, ...]
    whole: bool = True
    owned: bool = False

    def does(self, kind: Kind) -> bool:
        """Whether it can be what did something of that kind."""
        return kind is self.kind or (self.owned and kind is Kind.SCHEMA)


def actions(text: str) -> tuple[Action, ...]:
    """What the statements in `text` would destroy, in their order."""
    found: list[Action] = []
    for words in statements(text):
        if _undoes(words):
            found.clear()
        elif action := _action(words):
            found.append(action)
    return tuple(found)


def undoes(text: str) -> bool:
    """Whether `text` rolls the transaction back that it is in."""
    return any(_undoes(words) for words in statements(text))


def mentions_destruction(text: str) -> bool:
    """Whether `text` has a word of destruction in it anywhere, as the body of a DO block may."""
    return _MENTIONS.search(text) is not None


def statements(text: str) -> Iterator[list[str]]:
    """The words of each statement: lower case, or in quotes; texts are left out."""
    words: list[str] = []
    for word in _words(text):
        if word == ";" and not _in_body(words):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _words(text: str) -> Iterator[str]:
    at = 0
    while found := _PIECE.match(text, at):
        piece, at = found[0], found.end()
        if piece in ("'", '"'):
            return  # it has no end
        if piece == "/*":
            at = _end_of_comment(text, at)
        elif len(piece) > 1 and piece[0] == piece[-1] == "$":
            end = text.find(piece, at)
            at = len(text) if end < 0 else end + len(piece)
        elif piece[0] == '"':
            yield _PLAIN.sub(r"\1", piece)
        elif not piece.isspace() and not piece.startswith("--") and not piece.endswith("'"):
            yield piece.lower()


def _end_of_comment(text: str, at: int) -> int:
    """Where a block comment ends; they nest."""
    depth = 1
    while depth and (found := _NESTED.search(text, at)):
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return len(text) if depth else at


def _in_body(words: Sequence[str]) -> bool:
    """Whether what was read so far is a function whose body is still open."""
    return words[:1] == ["create"] and "atomic" in words and words[-1] != "end"


def _undoes(words: Sequence[str]) -> bool:
    return words[:1] in (["rollback"], ["abort"]) and not {"to", "prepared"} & set(words)


def _action(words: Sequence[str]) -> Action | None:
    match words:
        case ["drop", *rest]:
            return _drop(rest)
        case ["truncate", "table", *rest] | ["truncate", *rest]:
            return Action(Kind.TRUNCATE, _names(rest))
        case ["delete" | "with" | "explain", *_]:
            return _delete(words)
    return None


def _drop(rest: Sequence[str]) -> Action | None:
    for head, kind in _DROPS.items():
        if tuple(rest[: len(head)]) == head:
            named = list(rest[len(head) :])
            if named[:2] == ["if", "exists"]:
                named = named[2:]
            what = _names(named)
            if head[0] == "owned":
                return Action(kind, tuple(f"all of {name}'s" for name in what), owned=True)
            return Action(kind, what)
    return None


def _delete(words: Sequence[str]) -> Action | None:
    pairs = pairwise(words)
    at = next((n for n, pair in enumerate(pairs) if pair == ("delete", "from")), None)
    if at is None or (words[0] == "explain" and "analyze" not in words[:at]):
        return None
    return Action(Kind.DELETE, _names(words[at + 2 :])[:1], "where" not in words[at:])


def _names(words: Sequence[str]) -> tuple[str, ...]:
    """Names parted by commas, up to the first word that belongs to no name."""
    names: list[str] = []
    current = ""
    for word in words:
        if word == ",":
            names.append(current)
            current = ""
        elif word == "." or not current or current.endswith("."):
            current = current if word == "only" else current + word
        elif word != "*":
            break
    return tuple(name for name in [*names, current] if name)
