"""A review as Markdown for a comment on a pull request, in which no file can forge anything.

Whatever the change itself wrote stands in code spans and blocks: there nothing is a heading, a
link, a mention, an image or HTML.
"""

import re
from collections.abc import Iterable, Iterator

from strongroom.review.preview import Preview, Step, Violation
from strongroom.review.review import Review
from strongroom.review.rights import Person
from strongroom.review.verdict import headline, operations, verdict
from strongroom.review.words import Value, Words, visible
from strongroom.rights.declared import phrases

#: Characters; GitHub refuses comments longer than 65,536.
LONGEST = 60_000
#: Rows of one table; the page has all of them.
_MOST_ROWS = 100
#: Characters of one value.
_LONGEST_VALUE = 300


def marker(environment: str) -> str:
    """The line by which the one comment of an environment is found again."""
    return f"<!-- strongroom-review:{re.sub(r'[^A-Za-z0-9_.]', '_', environment)} -->"


def rendered(review: Review) -> str:
    """The whole comment, the same for the same review."""
    sections = list(_sections(review))
    text = _joined(sections)
    while len(text) > LONGEST and len(sections) > 2:
        sections.pop()
        rest = "_The rest does not fit into a comment; it is in the page of this review._"
        text = _joined([*sections, rest])
    return text


def _joined(sections: Iterable[str]) -> str:
    return "\n\n".join(section for section in sections if section) + "\n"


def _sections(review: Review) -> Iterator[str]:
    change, preview = review.change, review.change.preview
    title = f"{marker(change.environment)}\n### Strongroom review of {code(change.environment)}"
    yield f"{title}\n\n**{headline(review)}** {_said(verdict(review))}"
    if review.flags:
        told = [f"🔴 {_said(flag.words)}" for flag in review.flags[:_MOST_ROWS]]
        more = len(review.flags) - _MOST_ROWS
        yield _list([*told, f"and {more:,} more, in the page of this review"] if more > 0 else told)
    if preview.errors:
        yield "**The preview failed:**\n\n" + "\n\n".join(block(each) for each in preview.errors)
    yield _policies(preview)
    yield _rights([person for person in change.people if person.changed])
    if change.settings:
        yield "**Settings**\n\n" + _list(_said(setting.words) for setting in change.settings)
    if preview.drifted:
        intro = "**Changed by hand, and put back by this:**"
        yield f"{intro}\n\n" + _list(map(_drift, preview.drifted))
    if review.notes:
        yield "**Notes**\n\n" + _list(map(_said, review.notes))
    yield _steps(preview)
    yield _footer(review)


def _rights(changed: list[Person]) -> str:
    if not changed:
        return "Nobody gains or loses a right."
    head = "| who | tier | gains | loses |\n|---|---|---|---|"
    rows = [
        "| "
        + " | ".join(
            (
                code(person.role) + (f" {code(person.name)}" if person.name else ""),
                person.step,
                _phrases(person.gained) or "nothing",
                _phrases(person.lost) or "nothing",
            )
        )
        + " |"
        for person in changed[:_MOST_ROWS]
    ]
    more = len(changed) - _MOST_ROWS
    table = "\n".join([head, *rows])
    return f"{table}\n\n_and {more:,} more, in the page of this review_" if more > 0 else table


def _phrases(held: Iterable[object]) -> str:
    return "<br>".join(map(code, phrases(held)))  # type: ignore[arg-type]


def _policies(preview: Preview) -> str:
    if not preview.violations:
        count = preview.policies
        return f"All {count} policies are satisfied." if count else "No policy was asked."
    return "**Policies**\n\n" + _list(map(_policy, preview.violations))


def _policy(violation: Violation) -> str:
    sign, word = ("🔴", "refused") if violation.mandatory else ("🟡", "advised against")
    where = code(violation.urn.rsplit("::", 1)[-1]) if violation.urn else "the stack"
    return f"{sign} {where} is {word} by {code(violation.policy)}: {code(violation.message)}"


def _drift(step: Step) -> str:
    return f"{code(step.name)}: " + ", ".join(map(code, step.drift))


def _steps(preview: Preview) -> str:
    summary = f"Infrastructure: {operations(preview)}"
    if not preview.steps and not preview.notes:
        return f"{summary}."
    rows = [
        f"| {step.op} | {code(step.name)} | {code(step.type)} | {_keys(step)} |"
        for step in preview.steps[:_MOST_ROWS]
    ]
    more = len(preview.steps) - _MOST_ROWS
    body = "\n".join(["| what | resource | type | properties |", "|---|---|---|---|", *rows])
    body += f"\n\n_and {more:,} more_" if more > 0 else ""
    body += "\n\n" + _list(map(code, preview.notes)) if preview.notes else ""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _keys(step: Step) -> str:
    return ", ".join(map(code, step.keys)) or "all"


def _footer(review: Review) -> str:
    facts = (f"base {review.base[:12]}", f"files {review.tree[:12]}")
    plan = f"intent {review.change.preview.fingerprint[:12]}"
    return f"<sub>{', '.join((*facts, plan))}</sub>"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _said(words: Words) -> str:
    return "".join(code(each) if isinstance(each, Value) else each for each in words)


def code(text: str) -> str:
    """Any text as a code span that also stands in a cell of a table."""
    shown = visible(" ".join(text.split())) or " "
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[: _LONGEST_VALUE - 1]}…"
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    # A table is cut into cells before code is found in them (GFM, 4.10).
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


def block(text: str) -> str:
    """Any text of several lines as a code block."""
    lines = [visible(line) for line in text.strip().splitlines()]
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return "\n".join([f"{fence}text", *lines, fence])
