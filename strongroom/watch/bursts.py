"""What repeats itself is told a few times, and then how often more: a loop cannot flood anybody."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from strongroom.alerts import Alert
from strongroom.watch.telling import REFUSED, Told, name_of

#: How many of a kind by one person are told one by one, in a window of time.
_ALONE = {REFUSED: 3}
_ALONE_OTHERWISE = 20
_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class _Burst:
    """What one person did of one kind: how often, since when, and what was told first."""

    since: datetime
    count: int
    title: str


class Bursts:
    """Counts by kind and person, by the events' own times."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self._open = {
            key: _Burst(datetime.fromisoformat(each["since"]), each["count"], each["title"])
            for key, each in kept.items()
        }

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            key: {**asdict(each), "since": each.since.isoformat()}
            for key, each in self._open.items()
        }

    def let(self, told: Told) -> bool:
        """Whether an alert is to be raised by itself."""
        key = f"{told.alert.kind} {told.who}"
        found = self._open.get(key)
        if found is None or told.alert.at - found.since > _WINDOW:
            found = _Burst(told.alert.at, 0, told.alert.title)
        self._open[key] = replace(found, count=found.count + 1)
        return found.count < _ALONE.get(told.alert.kind, _ALONE_OTHERWISE)

    def ended(self, now: datetime) -> list[Told]:
        """For each that is over and was not told completely, how many more there were."""
        told = []
        for key in [key for key, each in self._open.items() if now - each.since > _WINDOW]:
            each = self._open.pop(key)
            kind, _, who = key.partition(" ")
            more = each.count - _ALONE.get(kind, _ALONE_OTHERWISE)
            if more > 0:
                told.append(_more(kind, who, each, more))
        return told


def _more(kind: str, who: str, burst: _Burst, more: int) -> Told:
    title = f"{more} more like it within {_WINDOW.seconds // 60} minutes: {burst.title}"
    text = "They were not told one by one; the server's log has all of them."
    return Told(
        name_of(kind, who, burst.since),
        Alert(burst.since, kind, title, text, {"who": who, "more": str(more)}),
        who,
    )
