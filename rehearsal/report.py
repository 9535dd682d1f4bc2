"""The report of a rehearsal: for the terminal, and as one page that needs nothing else."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from rehearsal.result import Result
from strongroom.cluster.system_user import making


def lines(result: Result) -> Iterator[str]:
    """The end of it, for a person."""
    found = Counter(each.verdict for one in result.stored for each in one.properties)
    if result.stored:
        yield f"{len(result.stored)} resources of AWS; of what is declared:"
        for verdict, count in found.most_common():
            yield f"  {count:5} {verdict}"
    if result.passed is not None:
        explained = sum(bool(each.explained) for each in result.checked)
        failed = len(result.checked) - explained
        yield f"checkov: {result.passed} passed, {explained} explained by name, {failed} failed"
    for wrong in result.wrong:
        yield f"WRONG: {wrong}"
    verdict = "did not pass" if result.wrong else "passed"
    yield f"the rehearsal of {result.stack} {verdict}, {result.seconds:.0f} s in all"


def write(result: Result, folder: Path, transcript: str) -> Path:
    """Write rehearsal-STACK.html, .json and .log; returns the page.

    Args:
        result: what was shown.
        folder: where they go.
        transcript: every command and what it printed.

    Raises:
        StrongroomError: a file cannot be written.
    """
    page = folder / f"rehearsal-{result.stack}.html"
    data = page.with_suffix(".json")
    with making(page):
        folder.mkdir(parents=True, exist_ok=True)
        page.with_suffix(".log").write_text(transcript, encoding="utf-8")
        data.write_text(json.dumps(result.dump(), indent=2, default=str), encoding="utf-8")
        page.write_text(_page(result), encoding="utf-8")
    return page


def _page(result: Result) -> str:
    """As HTML; everything that was read from somewhere is escaped."""
    environment = Environment(
        loader=PackageLoader("rehearsal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = _short
    return environment.get_template("report.html").render(result=result)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:297]}…"
