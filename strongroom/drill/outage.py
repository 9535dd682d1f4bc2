"""One outage of a scratch stack, from the last good moment to the proof that nothing is lost."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from strongroom.cli.options import NOT_AS_IT_SHOULD_BE
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.vault import position
from strongroom.drill import detection, telling
from strongroom.drill.attempts import attempts
from strongroom.drill.cast import Cast
from strongroom.drill.crowd import Crowd
from strongroom.drill.journal import End, Journal
from strongroom.drill.result import Round
from strongroom.drill.shop import Digest, Shop
from strongroom.drill.stage import Done, Stage, expect
from strongroom.drill.verifying import Verdict
from strongroom.errors import StrongroomError
from strongroom.incident.events import Event
from strongroom.incident.rendering import rendered
from strongroom.reconcile.checks import State
from strongroom.recovery.sources import replayed

TITLES = (
    "taking a snapshot while the application saves forms",
    "a laptop with root's password tries to drop the database",
    "root on the database host drops it",
    "waiting until somebody notices",
    "naming the culprit",
    "recovering",
    "listing what the drop cut off, and checking what is there",
    "comparing every form with the application's journal",
    "looking for drift",
)
_TICKET = "DRILL-1"
# The replica that stays behind, as __main__.py calls it.
DELAYED = "delayed"
# Forms that are saved before the drop and after the recovery, at least.
_BEFORE, _AFTER = 40, 20


@dataclass(frozen=True)
class Wish:
    """How the database is to be brought back.

    Attributes:
        way: migrate or swap.
        source: replica or snapshot.
        size: bytes of the database; told, not made, here.
        delay: how far the replica stays behind, in seconds.
    """

    way: str
    source: str
    size: int
    delay: int


@dataclass
class Outage:
    """One round of a drill.

    Attributes:
        stage: where it is played.
        cast: who plays.
        shop: the application's database.
        wish: how it is to be brought back.
        number: of the round, from 1.
        journals: of the application in the rounds before; what they hold must still be there.
    """

    stage: Stage
    cast: Cast
    shop: Shop
    wish: Wish
    number: int
    journals: Sequence[Path]
    _problems: list[str] = field(default_factory=list)

    def play(self) -> Round:
        """Play it to the end.

        Raises:
            StrongroomError: it could not go on.
        """
        stage, titles = self.stage, iter(TITLES)
        begun = len(stage.steps)
        crowd = Crowd(stage, self.shop.conninfo(self.cast.application), self.number)
        with crowd:
            with stage.step(next(titles)):
                digest = self._prepare(crowd)
            with stage.step(next(titles)):
                self._problems += attempts(stage, self.cast)
                crowd.wait_for(_BEFORE)
            since = datetime.now(UTC)
            with stage.step(next(titles)):
                self._drop()
            with stage.step(next(titles)):
                noticed = self._notice(since)
            with stage.step(next(titles)):
                event, named = self._name(since)
            dropped = event.time.timestamp()
            recovering = time.time()
            with stage.step(next(titles)):
                done = self._recover()
                crowd.wait_for(_AFTER)
        journal = Journal.read([crowd.journal])
        resumed = journal.first_begun_after(dropped)
        if resumed is None or resumed.ended is None:
            raise StrongroomError("No form was saved after the recovery; the drill ended here.")
        with stage.step(next(titles)):
            self._reconcile(event, journal)
        with stage.step(next(titles)):
            verdict = self.shop.verify(Journal.read([*self.journals, crowd.journal]), digest)
            self._tell(verdict)
        with stage.step(next(titles)):
            self._look_for_drift()
        return Round(
            number=self.number,
            dropped=event.time,
            way=self.wish.way,
            source=telling.source(done),
            size=self.wish.size,
            detected=round(noticed - dropped, 2),
            told_by=detection.NOTICED_BY,
            named=round(named - dropped, 2),
            culprit=telling.culprit(event),
            recovering=round(recovering - dropped, 2),
            served=round(telling.served(done) - dropped, 2),
            resumed=round(resumed.ended - dropped, 2),
            lost_seconds=telling.lost_seconds(verdict, journal, dropped),
            marks=telling.marks(done, dropped),
            verdict=verdict,
            cut_off=tuple(map(telling.cut, event.cut_off)),
            steps=tuple(stage.steps[begun:]),
            problems=tuple(self._problems),
        )

    def _prepare(self, crowd: Crowd) -> Digest:
        stage = self.stage
        crowd.wait_for(_BEFORE)
        expect(stage.strongroom("snapshot", "take", "--full"), "strongroom snapshot take")
        digest = self.shop.digest()
        if self.wish.source == "replica":
            self._wait_for_replica()
        return digest

    def _wait_for_replica(self) -> None:
        """Until a delayed replica holds everything but what came within its delay."""
        stack, here = self.stage.scratch.stack, self.shop.position()
        primary = stack.primary
        replica = Cluster.at(stack.path / DELAYED)
        deadline = time.monotonic() + self.wish.delay + 120
        self.stage.progress.note(f"until the replica has come to {here}")
        while position(replayed(replica, primary) or "0/0") < position(here):
            if time.monotonic() > deadline:
                raise StrongroomError("The replica does not follow, so the drill ended here.")
            time.sleep(0.2)

    def _drop(self) -> None:
        """As somebody with root on the host would: the one way that works."""
        self.stage.scratch.refuse_real()
        cast, statement = self.cast, f"drop database {self.stage.scratch.database} with (force)"
        about = ("--root", "--write", "--reason", "the outage, replayed", "--ticket", _TICKET)
        asked = ("root", "break-glass", cast.culprit, *about, "--approver", cast.approver)
        done = self.stage.strongroom(*asked, "--", "-d", "postgres", "-c", statement)
        shown = f"strongroom root break-glass {cast.culprit} --root --write … -- -c '{statement}'"
        self.stage.show(f"{cast.culprit}, root on the database host", shown, done.output, done.code)
        expect(done, "dropping the database")

    def _notice(self, since: datetime) -> float:
        at = detection.noticed(self.stage.scratch, since)
        self.stage.tell(f"noticed by {detection.NOTICED_BY}")
        return at

    def _name(self, since: datetime) -> tuple[Event, float]:
        event = detection.latest(self.stage.scratch, since)
        named = time.time()
        if event is None:
            raise StrongroomError("The drop is found neither in the log nor in the WAL.")
        self.stage.show("operations", "strongroom incident", rendered(event))
        self.stage.tell(f"{telling.culprit(event)}; recover to just before {event.stop_lsn}")
        person = event.culprit.session.person if event.culprit else None
        if person is None or person.split()[0] != self.cast.culprit:
            self._problems.append(
                f"the culprit was {self.cast.culprit}, not {telling.culprit(event)}"
            )
        return event, named

    def _recover(self) -> Done:
        wish = ("--way", self.wish.way, "--source", self.wish.source)
        done = self.stage.strongroom("recover", "--yes", *wish)
        shown = f"strongroom recover --yes {' '.join(wish)}"
        self.stage.show("operations", shown, done.output, done.code)
        return expect(done, "strongroom recover")

    def _reconcile(self, event: Event, journal: Journal) -> None:
        """What operations look at afterwards: what was cut off, and whether all fits together."""
        stage = self.stage
        for cut in event.cut_off:
            stage.tell(telling.cut(cut))
        output = stage.scratch.base / "reconciliation.md"
        point = event.stop_lsn or ""
        done = stage.strongroom("reconcile", "--to", point, "--json", "--output", str(output))
        if done.code not in (0, NOT_AS_IT_SHOULD_BE):
            expect(done, "strongroom reconcile")
        found, _ = json.JSONDecoder().raw_decode(done.output[done.output.index("{") :])
        stage.show(
            "operations", f"strongroom reconcile --to {point}", output.read_text(), done.code
        )
        wrong = [each for each in found["checks"] if each["state"] != State.CLEAN]
        self._problems += [f"reconcile: {each['name']} is {each['state']}" for each in wrong]
        text = json.dumps(found["remains"])
        cut_off = [each.form.id for each in journal.ended(End.CUT_OFF)]
        listed = sum(f'"{form}"' in text for form in cut_off)
        stage.tell(f"{len(cut_off)} forms were cut off, {listed} with rows that are listed")

    def _tell(self, verdict: Verdict) -> None:
        tell = self.stage.tell
        tell(f"{verdict.acknowledged:,} forms acknowledged, {verdict.rows:,} rows")
        for problem in verdict.problems:
            tell(problem)
        if verdict.unsure:
            tell(f"{verdict.unsure} without an answer, of which {verdict.unsure_saved} are saved")
        if not verdict.problems:
            tell("none lost, none halved, none changed; what was there before is as it was")

    def _look_for_drift(self) -> None:
        done = self.stage.engine("preview", "--refresh", "--expect-no-changes")
        shown = "pulumi preview --refresh --expect-no-changes"
        self.stage.show("operations", shown, telling.changes(done), done.code)
        if done.code == 0:
            self.stage.tell("nothing to change: the stack is as its files declare it")
        else:
            self._problems.append(f"the stack is not as declared: {telling.changes(done)}")
