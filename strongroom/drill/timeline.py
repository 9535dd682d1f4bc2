"""The timeline of a report: the five hours of the original above, a drill of seconds below.

On one scale the drill would be thinner than a line, so it is drawn on a scale of its own, and a
wedge shows how much of the original it would be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from strongroom.drill.result import Round

_HOUR = 3600.0
_TOP, _HIGH, _GAP = 34.0, 34.0, 112.0
_MARGIN = 14.0
# About how wide a letter is, in the units of the drawing.
_LETTER = 7.2
# Steps of an axis in seconds, of which the first is taken that is not too narrow.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Phase:
    """A stretch of time that has a name.

    Attributes:
        title: what happened meanwhile.
        begin: seconds after the drop.
        end: the same.
        kind: its color: blind, lost, work or good.
    """

    title: str
    begin: float
    end: float
    kind: str

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.begin


#: The outage that this is a drill for, as it was told afterwards; it began at nine.
ORIGINAL = (
    Phase("nobody notices, until customers call", 0, 0.5 * _HOUR, "blind"),
    Phase("an attacker is hunted", 0.5 * _HOUR, 1 * _HOUR, "lost"),
    Phase("the last snapshot is looked for and migrated", 1 * _HOUR, 5 * _HOUR, "work"),
)
ORIGINAL_SECONDS = ORIGINAL[-1].end


def phases(one: Round) -> tuple[Phase, ...]:
    """What happened in a drill until the application saved forms again."""
    return tuple(phase for phase in _phases(one) if phase.seconds > 0)


def _phases(one: Round) -> Iterator[Phase]:
    yield Phase("not noticed yet", 0, one.detected, "blind")
    yield Phase("the culprit is looked for", one.detected, one.named, "lost")
    yield Phase("the recovery is planned", one.named, _first(one), "work")
    ends = [*(mark.at for mark in one.marks[1:]), one.resumed]
    for mark, end in zip(one.marks, ends, strict=True):
        if mark.at < one.served:
            yield Phase(mark.title, mark.at, min(end, one.served, one.resumed), "work")
    yield Phase("the application connects again", one.served, one.resumed, "good")


def _first(one: Round) -> float:
    return one.marks[0].at if one.marks else one.served


@dataclass(frozen=True)
class Bar:
    """One phase as it is drawn; in the units of the drawing."""

    x: float
    width: float
    kind: str
    letter: str
    label: str
    title: str


@dataclass(frozen=True)
class Tick:
    """A mark of an axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Row:
    """A bar of phases with its axis."""

    y: float
    high: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Drawing:
    """A whole timeline.

    Attributes:
        width: of the drawing; letters are as large in a narrow one as in a wide one.
        height: of the drawing.
        original: the outage of then.
        drill: the one of now.
        wedge: the points of the polygon between them.
        scale: how much longer the original was.
    """

    width: float
    height: float
    original: Row
    drill: Row
    wedge: str
    scale: float


def draw(one: Round, width: float) -> Drawing:
    """Lay a timeline out.

    Args:
        one: the drill.
        width: of the drawing, 300 or more.
    """
    right = width - _MARGIN
    across = right - _MARGIN
    now = phases(one)
    end = max(now[-1].end if now else one.resumed, 0.1)
    hours = tuple(Tick(_MARGIN + across * hour / 5, f"{9 + hour:02}:00") for hour in range(6))
    above = Row(_TOP, _HIGH, _bars(ORIGINAL, ORIGINAL_SECONDS, across, 0), hours)
    low = _TOP + _HIGH + _GAP
    bars = _bars(now, end, across, len(ORIGINAL))
    below = Row(low, _HIGH, bars, tuple(_ticks(end, across)))
    sliver = max(across * end / ORIGINAL_SECONDS, 1.0)
    foot = _TOP + _HIGH
    points = [(_MARGIN, foot), (_MARGIN + sliver, foot), (right, low), (_MARGIN, low)]
    wedge = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Drawing(width, low + _HIGH + 28, above, below, wedge, ORIGINAL_SECONDS / end)


def letters(number: int) -> str:
    """The letter of a phase: A to Z, then a to z."""
    return chr(ord("A") + number) if number < 26 else chr(ord("a") + (number - 26) % 26)


def _bars(those: Sequence[Phase], end: float, across: float, before: int) -> tuple[Bar, ...]:
    found = []
    for number, phase in enumerate(those, start=before):
        wide = across * phase.seconds / end
        letter = letters(number)
        fits = len(phase.title) * _LETTER + 34 < wide
        label = phase.title if fits else ""
        x = _MARGIN + across * phase.begin / end
        shown = letter if wide > 14 else ""
        found.append(Bar(x, max(wide, 0.8), phase.kind, shown, label, phase.title))
    return tuple(found)


def _ticks(end: float, across: float) -> Iterator[Tick]:
    step = next((each for each in _STEPS if across * each / end >= 44), _STEPS[-1])
    count = int(end / step + 1e-9)
    for number in range(count + 1):
        at = number * step
        label = f"{at:g} s" if at < 120 else f"{at / 60:g} min"
        yield Tick(_MARGIN + across * at / end, label)
