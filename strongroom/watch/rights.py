"""Which statements change who may do what, told from their words."""

from collections.abc import Sequence
from itertools import pairwise

from strongroom.incident.statements import statements

_PAIRS = {
    *(("reassign", "owned"), ("drop", "owned")),
    *(("alter", what) for what in ("system", "database", "default")),
    ("security", "label"),
    *((verb, "policy") for verb in ("create", "alter", "drop")),
    *((verb, "event") for verb in ("create", "alter", "drop")),
}
_ALTERED = {
    ("owner", "to"): "change of owner",
    ("row", "level"): "row level security",
    ("disable", "trigger"): "disable trigger",
    ("enable", "replica"): "disable trigger",
}


def changes(text: str) -> tuple[str, ...]:
    """What the statements in `text` would change of rights, in a few words each."""
    found = (_change(words) for words in statements(text))
    return tuple(dict.fromkeys(each for each in found if each))


def _change(words: Sequence[str]) -> str | None:
    match words:
        case ["create" | "alter" | "drop", "role" | "user" | "group", named, *_]:
            return f"{words[0]} role" if named != "mapping" else None
        case ["grant" | "revoke", *_]:
            return words[0]
        case _ if tuple(words[:2]) in _PAIRS:
            return " ".join(words[:2])
        case ["alter" | "drop", *_]:
            return _of_an_object(words)
    return None


def _of_an_object(words: Sequence[str]) -> str | None:
    """A change of an owner, or of what guards an object."""
    pairs = set(pairwise(words))
    if words[0] == "alter":
        for pair, what in _ALTERED.items():
            if pair in pairs:
                return what
    ours = any(word.startswith(("strongroom.", "strongroom_")) for word in _joined(words))
    return f"{words[0]} of a guard" if ours else None


def _joined(words: Sequence[str]) -> list[str]:
    """Words, with those that name a schema and what is in it together."""
    return " ".join(words).replace(" . ", ".").split()
