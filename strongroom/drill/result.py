"""What a drill showed, as plain values: for a person, for a program and for the report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from strongroom.drill.verifying import Verdict

_GB = 1_000_000_000


@dataclass(frozen=True)
class Shown:
    """One command and what it said.

    Attributes:
        who: who typed it and where.
        command: what they typed.
        output: what it printed, without secrets.
        code: its exit code.
    """

    who: str
    command: str
    output: str
    code: int


@dataclass(frozen=True)
class Step:
    """One step of a drill.

    Attributes:
        title: what happens in it.
        seconds: how long it took.
        shown: commands of which a person should see the output.
        facts: what came of it, a line each.
    """

    title: str
    seconds: float
    shown: tuple[Shown, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """Something that began so many seconds after the drop."""

    title: str
    at: float


@dataclass(frozen=True)
class Limit:
    """What was measured beside what it may be at most, in seconds."""

    what: str
    measured: float
    most: float

    @property
    def kept(self) -> bool:
        """Whether it was within the limit."""
        return self.measured <= self.most


@dataclass(frozen=True)
class Round:
    """One outage and what came of it. Times are in seconds after the drop was committed.

    Attributes:
        number: from 1.
        dropped: when (UTC).
        way: migrate or swap.
        source: what it was recovered from.
        size: bytes of the database.
        detected: when it was noticed without anybody asking.
        told_by: what noticed it.
        named: when the culprit's name, statement and LSN were on the screen.
        culprit: who did it, and from where.
        recovering: when the recovery was begun.
        served: when the recovery said that the database serves again.
        resumed: when the first form begun afterwards was acknowledged: the measured RTO.
        lost_seconds: how long before the drop the last acknowledged form was that is there again,
            and none after it: the measured RPO; 0 when no acknowledged form is missing.
        marks: the steps of the recovery.
        verdict: the database compared with the application's journal.
        cut_off: what the drop cut off, a line each.
        steps: everything in order.
        problems: what is not as it should be, a sentence each.
    """

    number: int
    dropped: datetime
    way: str
    source: str
    size: int
    detected: float
    told_by: str
    named: float
    culprit: str
    recovering: float
    served: float
    resumed: float
    lost_seconds: float
    marks: tuple[Mark, ...]
    verdict: Verdict
    cut_off: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The times beside what the design promises, for 1 GB and in proportion above."""
        most = {"swap": 10, "migrate": 30}[self.way] * max(1.0, self.size / _GB)
        return (
            Limit("drop to named culprit", self.named, 5),
            Limit(f"recovery by {self.way}", round(self.resumed - self.recovering, 2), most),
        )

    @property
    def missed(self) -> tuple[str, ...]:
        """Limits that were not kept, a sentence each."""
        return tuple(
            f"{each.what} took {each.measured:.1f} s, {each.most:.0f} s is the limit"
            for each in self.limits
            if not each.kept
        )

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        limits = [{**asdict(each), "kept": each.kept} for each in self.limits]
        more = {"dropped": self.dropped.isoformat(), "verdict": self.verdict.dump()}
        return {**asdict(self), **more, "limits": limits}


@dataclass(frozen=True)
class Result:
    """A whole drill.

    Attributes:
        stack: the environment whose copy it was played on.
        begun: when (UTC).
        seconds: how long it took, with making the scratch stack and filling it.
        server: the version of PostgreSQL.
        rounds: one or more.
        before: the steps before the first of them.
        limits: whether a missed limit fails the drill.
    """

    stack: str
    begun: datetime
    seconds: float
    server: str
    rounds: tuple[Round, ...]
    before: tuple[Step, ...] = ()
    limits: bool = True
    machine: str = field(default="")

    @property
    def problems(self) -> list[str]:
        """Everything for which it did not pass; the round first when there are several."""
        found = []
        for each in self.rounds:
            named = f"round {each.number}: " if len(self.rounds) > 1 else ""
            missed = each.missed if self.limits else ()
            wrong = [*each.verdict.problems, *each.problems, *missed]
            found += [f"{named}{problem}" for problem in wrong]
        return found

    @property
    def passed(self) -> bool:
        """Whether nothing was lost and everything was as it should be."""
        return not self.problems

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "stack": self.stack,
            "begun": self.begun.isoformat(),
            "seconds": self.seconds,
            "server": self.server,
            "machine": self.machine,
            "passed": self.passed,
            "problems": self.problems,
            "summary": summary(self.rounds),
            "before": [asdict(step) for step in self.before],
            "rounds": [each.dump() for each in self.rounds],
        }


def summary(rounds: Sequence[Round]) -> dict[str, Any]:
    """Median and worst of several rounds, in seconds, and what was lost in all of them."""
    times = {
        "detected": [each.detected for each in rounds],
        "named": [each.named for each in rounds],
        "recovery": [each.resumed - each.recovering for each in rounds],
        "rto": [each.resumed for each in rounds],
        "rpo": [each.lost_seconds for each in rounds],
    }
    spread = {
        name: {"median": round(median(values), 2), "worst": round(max(values), 2)}
        for name, values in times.items()
    }
    return {
        "rounds": len(rounds),
        **spread,
        "acknowledged": sum(each.verdict.acknowledged for each in rounds),
        "lost": sum(len(each.verdict.lost) for each in rounds),
        "halved": sum(len(each.verdict.halved) for each in rounds),
    }
