"""Taking nodes apart: each function gives the value, or notes the mistake and gives None.

A value that is UNREADABLE has its mistake in the report already, so it gives None in silence.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator

from strongroom.reading.documents import UNREADABLE, Node, Place, Report, quoted

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name `name` is most likely a slip of or short for; None when none is near."""
    by_lower = {candidate.lower(): candidate for candidate in reversed([*known])}
    lower = name.lower()
    longer = [candidate for candidate in by_lower if candidate.startswith(lower)]
    found = difflib.get_close_matches(lower, by_lower, n=1)
    if not found and len(longer) == 1 and lower:
        found = longer
    return by_lower[found[0]] if found else None


def listed(names: Iterable[str], last: str = "or") -> str:
    """Names as prose: "a, b or c"."""
    *head, tail = [*names] or ["none"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def mapping(report: Report, node: Node, what: str, example: str) -> dict[str, Node] | None:
    """The entries of a mapping, whatever their keys."""
    if isinstance(node.value, dict):
        return node.value
    _wrong(report, node, f"{what} should be a mapping, not {node}", f"Write it as {example}")
    return None


def fields(
    report: Report, node: Node, what: str, known: Collection[str], example: str
) -> dict[str, Node] | None:
    """The entries of a mapping whose keys are given; others are mistakes and left out."""
    entries = mapping(report, node, what, example)
    if entries is None:
        return None
    for key in entries.keys() - set(known):
        unknown_key(report, entries[key].place, what, key, known)
    return {key: entry for key, entry in entries.items() if key in known}


def unknown_key(report: Report, place: Place, what: str, key: str, known: Collection[str]) -> None:
    """Note a key nobody reads. Its value is not shown: it may be a secret put in a wrong place."""
    near = nearest(key, known)
    remedy = f"Did you mean {quoted(near)}?" if near else f"Known are {listed(known, 'and')}"
    problem = f"{what} has the unknown key {quoted(key)}, and what it says would have no effect"
    report.add(place, f"{problem}. {remedy}")


def items(report: Report, node: Node, what: str, example: str) -> list[Node] | None:
    """The items of a list."""
    if isinstance(node.value, list):
        return node.value
    _wrong(report, node, f"{what} should be a list, not {node}", f"Write it as {example}")
    return None


def text(report: Report, node: Node, what: str, example: str) -> str | None:
    """Text that is not empty and prints on one line."""
    value = node.value
    if not isinstance(value, str) or not value.strip():
        quote = ", in quotes" if isinstance(value, (bool, int, float)) else ""
        remedy = f"Write text{quote}, such as {example}"
        _wrong(report, node, f"{what} should be text, not {node}", remedy)
        return None
    if not value.isprintable():
        problem = f"{what} is {node}, which holds a character that cannot be printed"
        report.add(node.place, f"{problem} and could hide what a reviewer reads. Remove it")
        return None
    return value


def choice(
    report: Report, node: Node, what: str, choices: Collection[str], consequence: str
) -> str | None:
    """One of the `choices`."""
    value = text(report, node, what, listed(choices))
    if value is None or value in choices:
        return value
    near = nearest(value, choices)
    remedy = f"Did you mean {quoted(near)}?" if near else f"Write {listed(choices)}"
    problem = f"{what} is {quoted(value)}, not one of {listed(choices)}, so {consequence}"
    report.add(node.place, f"{problem}. {remedy}")
    return None


def once(report: Report, nodes: Iterable[Node], what: str) -> Iterator[Node]:
    """The nodes whose value did not occur before; a repetition is noted."""
    seen: set[str] = set()
    for node in nodes:
        if not isinstance(node.value, str) or node.value not in seen:
            seen.add(str(node.value))
            yield node
        else:
            problem = f"{what} hold {node} twice, so one may have been meant for another"
            report.add(node.place, f"{problem}. Remove or correct one")


def boolean(report: Report, node: Node, what: str) -> bool | None:
    """True or false, also as the text the engine hands over."""
    if isinstance(node.value, bool):
        return node.value
    if node.value in ("true", "false"):
        return node.value == "true"
    _wrong(report, node, f"{what} should be true or false, not {node}", "Write one of them")
    return None


def whole_number(
    report: Report, node: Node, what: str, allowed: range, consequence: str, *others: int
) -> int | None:
    """A whole number in the range `allowed`, or one of `others`; also as text."""
    value = node.value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    rule = f"a whole number from {allowed.start} to {allowed.stop - 1}"
    if others:
        rule = f"{listed(str(other) for other in others)} or {rule}"
    if isinstance(value, int) and not isinstance(value, bool):
        if value in allowed or value in others:
            return value
        report.add(node.place, f"{what} is {value}, not {rule}, so {consequence}. Write one")
    else:
        _wrong(report, node, f"{what} should be {rule}, not {node}", "Write such a number")
    return None


def _wrong(report: Report, node: Node, problem: str, remedy: str) -> None:
    if node.value is not UNREADABLE:
        report.add(node.place, f"{problem}, so it cannot be used. {remedy}")
