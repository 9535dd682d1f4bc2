"""The report of a drill: one page that needs nothing else, also on a phone and in the dark."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from strongroom.cluster.system_user import making
from strongroom.drill.result import Result, summary
from strongroom.drill.timeline import ORIGINAL, draw, letters, phases

# Widths of the drawing: for a screen, and for a phone.
_WIDE, _NARROW = 920, 360


def page(result: Result) -> str:
    """The report as HTML; everything that was read from somewhere is escaped."""
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    # The slowest is what a person has to reckon with.
    shown = max(result.rounds, key=lambda each: each.resumed)
    now = phases(shown)
    return environment.get_template("report.html").render(
        result=result,
        shown=shown,
        drawings=[("wide", draw(shown, _WIDE)), ("narrow", draw(shown, _NARROW))],
        original=[(letters(number), each) for number, each in enumerate(ORIGINAL)],
        phases=[(letters(number), each) for number, each in enumerate(now, len(ORIGINAL))],
        summary=summary(result.rounds),
    )


def write(result: Result, path: Path) -> None:
    """Write the report.

    Raises:
        StrongroomError: the file cannot be written.
    """
    with making(path):
        path.write_text(page(result), encoding="utf-8")


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms" if seconds > 0 else "0 s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:g} h"
