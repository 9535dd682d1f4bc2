"""Reading a roster's elevations: every rule of them, and the words for each mistake."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations

from strongroom.people import SHORTEST_REASON, Elevation, Engineer
from strongroom.reading import forms
from strongroom.reading.documents import Node, Place, Report, quoted
from strongroom.tiers import Tier

ELEVATION_KEYS = ("who", "tier", "environments", "from", "until", "reason", "ticket", "approver")

#: ISO 8601 to the minute or finer, with the zone that makes it one instant for everybody.
TIME = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})"
#: The tiers that lie above another one.
LENDABLE = tuple(Tier)[1:]
#: How long an expired elevation may stand in the roster before it is a mistake.
FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Lending:
    """What one environment's settings say of elevations.

    Attributes:
        environment: the environment; elevations of others are not judged by it.
        longest: how long one may last.
        approvers: the roles of who may approve; empty for every senior.
        source: where the settings come from, for errors.
        refuses_forgotten: whether one that ended a week ago is a mistake. Not for commands that
            an emergency may need: time alone must not stop them.
    """

    environment: str
    longest: timedelta
    approvers: tuple[str, ...]
    source: str
    refuses_forgotten: bool = False


@dataclass(frozen=True)
class ElevationReader:
    """Reads elevations beside the rest of a roster.

    Attributes:
        report: takes the mistakes.
        environments: the roster's.
        engineers: all of them by role; None for one whose own entry could not be read.
        now: the time to judge by (UTC).
        lending: what the settings say; None judges only what the roster itself tells.
    """

    report: Report
    environments: tuple[str, ...]
    engineers: Mapping[str, Engineer | None]
    now: datetime
    lending: Lending | None

    def read(self, node: Node | None) -> tuple[Elevation, ...]:
        """Those that could be read, by person and end."""
        self._judge_approvers()
        if node is None:
            return ()
        entries = forms.items(self.report, node, "elevations", f"[{_EXAMPLE}]") or []
        read = [(entry.place, self._elevation(entry)) for entry in entries]
        found = [(place, elevation) for place, elevation in read if elevation]
        for (first, one), (place, other) in combinations(found, 2):
            if shared := self._overlap(one, other):
                problem = f"{_of(other.who)} in {forms.listed(shared, 'and')} overlaps with the one"
                rest = f"on line {first.line}, so two would say what holds and until when"
                self.report.add(place, f"{problem} {rest}. Keep one, or let one begin later")
        return tuple(sorted((each for _, each in found), key=lambda one: (one.who, one.until)))

    def _elevation(self, entry: Node) -> Elevation | None:
        parts = forms.fields(self.report, entry, "an elevation", ELEVATION_KEYS, _EXAMPLE)
        if parts is None:
            return None
        who = self._text(parts, "who", "who of an elevation", "chiara")
        of = _of(who) if who else "an elevation"
        for key, why in _REQUIRED.items():
            if key not in parts:
                self.report.add(entry.place, f"{of} has no {key}, so {why}. Add it")
        tier = self._tier(parts.get("tier"), of)
        where = self._where(parts.get("environments"), of)
        begins = self._time(parts.get("from"), f"from of {of}")
        until = self._time(parts.get("until"), f"until of {of}")
        reason = self._text(parts, "reason", f"the reason of {of}", "move the orders of May")
        ticket = self._text(parts, "ticket", f"the ticket of {of}", "INC-42")
        approver = self._text(parts, "approver", f"the approver of {of}", "ada")
        if reason is not None and len(reason.strip()) < SHORTEST_REASON:
            problem = f"the reason of {of} is {quoted(reason)}, and whoever reads the record needs"
            rest = f"at least {SHORTEST_REASON} characters of it. Write what it is for"
            self.report.add(parts["reason"].place, f"{problem} {rest}")
        if who:
            self._judge_person(parts["who"], who, tier, where)
        if approver and who:
            self._judge_approver(parts["approver"], of, approver, who, where)
        if until:
            self._judge_time(parts["until"], of, begins, until)
        if not (who and tier and where and until and reason and ticket and approver):
            return None
        place = str(entry.place)
        return Elevation(who, tier, where, begins, until, reason, ticket, approver, place)

    def _text(self, parts: Mapping[str, Node], key: str, what: str, example: str) -> str | None:
        return forms.text(self.report, parts[key], what, example) if key in parts else None

    def _tier(self, node: Node | None, of: str) -> Tier | None:
        if node is None:
            return None
        consequence = "nobody can tell what is lent"
        value = forms.choice(self.report, node, f"the tier of {of}", LENDABLE, consequence)
        return Tier(value) if value else None

    def _where(self, node: Node | None, of: str) -> tuple[str, ...]:
        if node is None:
            return ()
        what = f"the environments of {of}"
        nodes = forms.items(self.report, node, what, "[production]")
        if nodes == []:
            self.report.add(node.place, f"{what} are none, so it would lend nothing. List one")
        found = []
        for each in forms.once(self.report, nodes or [], what):
            name = forms.text(self.report, each, f"one of {what}", "production")
            if name and self.environments and name not in self.environments:
                near = forms.nearest(name, self.environments)
                remedy = f"Did you mean {quoted(near)}?" if near else "Remove it"
                known = f"({', '.join(self.environments)})"
                problem = f"{what} name {quoted(name)}, which the roster does not list {known}"
                self.report.add(each.place, f"{problem}, so it would lend nothing there. {remedy}")
            elif name:
                found.append(name)
        return tuple(found)

    def _time(self, node: Node | None, what: str) -> datetime | None:
        if node is None:
            return None
        text = forms.text(self.report, node, what, _TIME_EXAMPLE)
        if text is None:
            return None
        try:
            if re.fullmatch(TIME, text):
                return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        problem = f"{what} is {quoted(text)}, not a date, a time and its zone, so it would end at"
        rest = f"another moment for each reader. Write it as {_TIME_EXAMPLE}"
        self.report.add(node.place, f"{problem} {rest}")
        return None

    def _judge_person(self, node: Node, who: str, tier: Tier | None, where: Sequence[str]) -> None:
        if who not in self.engineers:
            near = forms.nearest(who, self.engineers)
            remedy = f"Did you mean {quoted(near)}?" if near else "Remove it if the person left"
            problem = f"{_of(who)} is for nobody in the roster, so there is no tier to raise"
            self.report.add(node.place, f"{problem}. {remedy}")
        person = self.engineers.get(who)
        for environment in where if person else ():
            own = person.tier_in(environment) if person else None
            if own is None:
                problem = f"{_of(who)} is for {environment}, where {who} has no role to raise"
                remedy = "Give the person a tier there, or leave the environment out"
                self.report.add(node.place, f"{problem}. {remedy}")
            elif tier and list(Tier).index(tier) <= list(Tier).index(own):
                problem = f"{_of(who)} lends {tier} in {environment}, where {who} is {own} already"
                self.report.add(node.place, f"{problem}, so it would lend nothing. Remove it")

    def _judge_approver(
        self, node: Node, of: str, approver: str, who: str, where: Sequence[str]
    ) -> None:
        what = f"the approver of {of}"
        giver, person = self.engineers.get(approver), self.engineers.get(who)
        if approver not in self.engineers:
            near = forms.nearest(approver, self.engineers)
            remedy = f"Did you mean {quoted(near)}?" if near else "Name who approved"
            problem = f"{what} is {quoted(approver)}, who is no engineer of the roster, so nobody"
            self.report.add(node.place, f"{problem} answers for it. {remedy}")
        elif approver == who or (giver and person and _same_name(giver, person)):
            problem = f"{what} is the same person, and nobody approves for themselves"
            self.report.add(node.place, f"{problem}. Name who else approved")
        elif self.lending and self.lending.environment in where:
            here, allowed = self.lending.environment, self.lending.approvers
            if allowed and approver not in allowed:
                problem = f"{what} is {approver}, and only {forms.listed(allowed)} may approve in"
                self.report.add(node.place, f"{problem} {here} (elevationApprovers). Ask one")
            elif not allowed and giver and giver.tier_in(here) is not Tier.SENIOR:
                tier = giver.tier_in(here) or "without a role"
                problem = f"{what} is {approver}, who is {tier} in {here}, and only a senior there"
                self.report.add(node.place, f"{problem} may approve. Ask one")

    def _judge_time(self, node: Node, of: str, begins: datetime | None, until: datetime) -> None:
        if begins and until <= begins:
            problem = f"{of} ends at {_shown(until)}, which is not after its from, {_shown(begins)}"
            self.report.add(node.place, f"{problem}, so it would never hold. Correct one of them")
            return
        if self.lending is None:
            return
        if until <= self.now - FORGOTTEN_AFTER and self.lending.refuses_forgotten:
            problem = f"{of} ended at {_shown(until)}, more than {FORGOTTEN_AFTER.days} days ago,"
            rest = "so the roster says what has long not been true. Remove it; the record keeps it"
            self.report.add(node.place, f"{problem} {rest}")
        longest = self.lending.longest
        if until > self.now and until - (begins or self.now) > longest:
            hours = int(longest.total_seconds() // 3600)
            problem = f"{of} ends at {_shown(until)}, more than {hours} hours after it begins, and"
            rest = "elevationMaxHours allows no more, so that none is lent for good"
            self.report.add(node.place, f"{problem} {rest}. End it earlier, or change the tier")

    def _judge_approvers(self) -> None:
        for name in self.lending.approvers if self.lending else ():
            if name not in self.engineers and self.lending:
                near = forms.nearest(name, self.engineers)
                remedy = f"Did you mean {quoted(near)}?" if near else "Remove the name"
                problem = f"strongroom:elevationApprovers names {quoted(name)}, who is no engineer"
                place = Place(self.lending.source)
                self.report.add(place, f"{problem} of the roster, so nobody answers. {remedy}")

    def _overlap(self, one: Elevation, other: Elevation) -> list[str]:
        """The environments in which both hold at some time that is still to come, or was."""
        begins = max(each.begins or min(self.now, each.until) for each in (one, other))
        if one.who != other.who or begins >= min(one.until, other.until):
            return []
        return [each for each in one.environments if each in other.environments]


def _of(who: str) -> str:
    return f"the elevation of {quoted(who)}"


def _same_name(one: Engineer, other: Engineer) -> bool:
    return one.name.strip().casefold() == other.name.strip().casefold()


def _shown(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def forgotten(elevations: Sequence[Elevation], now: datetime) -> Iterator[str]:
    """A sentence for each elevation that has ended and still stands in the roster."""
    for each in elevations:
        if each.over(now):
            by = f"{each.until + FORGOTTEN_AFTER:%Y-%m-%d}"
            yield (
                f"{each.place}: the elevation of {each.who} ended at {each.ends} and lends nothing "
                f"any more. Remove it by {by}, when it becomes a mistake; the record keeps it."
            )


_TIME_EXAMPLE = "2026-11-30T18:00:00+01:00"
_EXAMPLE = (
    "{who: chiara, tier: senior, environments: [production], until: 2026-11-30T18:00:00+01:00, "
    "reason: …, ticket: INC-42, approver: ada}"
)
_REQUIRED = {
    "who": "nobody can tell whom it raises",
    "tier": "nobody can tell what is lent",
    "environments": "nobody can tell where it holds",
    "until": "it would never end",
    "reason": "nobody could say later what it was for",
    "ticket": "nobody could find the work it was for",
    "approver": "nobody answers for it",
}
