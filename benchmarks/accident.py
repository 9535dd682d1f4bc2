"""An accident under load and the way back from it, timed."""

import time
from dataclasses import dataclass, field

from benchmarks.stand import Stand, Writer, plain_copy
from strongroom.recovery import event
from strongroom.recovery.plan import Way, Wish, make
from strongroom.recovery.run import Run
from strongroom.recovery.sources import Kind


@dataclass
class Timed:
    """Follows a run and notes how long each step took (s)."""

    steps: dict[str, float] = field(default_factory=dict)
    _title: str = ""
    _begun: float = 0

    def step(self, number: int, count: int, title: str) -> None:
        """A step begins."""
        del number, count
        self.end()
        self._title, self._begun = title, time.monotonic()

    def end(self) -> None:
        """The step that ran is over."""
        if self._title:
            self.steps[self._title] = round(time.monotonic() - self._begun, 2)

    def note(self, text: str) -> None:
        """Nothing: it is timed."""

    def keep(self, text: str) -> None:
        """Nothing: it is timed."""


@dataclass(frozen=True)
class Back:
    """One recovery; seconds, bytes and rows.

    Attributes:
        culprit: until the event was found and its culprit named.
        plan: until the plan was made, the search for the event included.
        serves: until the database served again, from the command on.
        whole: until everything was done.
        floor: a plain copy of the source's bytes, durable.
        lost: acknowledged rows that are not there.
        steps: how long each took.
    """

    culprit: float
    plan: float
    serves: float
    whole: float
    floor: float
    size: int
    rows: int
    lost: int
    steps: dict[str, float]


def prepare(made: Stand, kind: Kind, rows: int) -> None:
    """A snapshot, a replica where that is the source, and what is done after that."""
    made.remove_replica()
    made.forget_final_snapshots()
    made.snapshot()
    if kind is Kind.REPLICA:
        made.replica()
    made.work(rows)


def there_and_back(made: Stand, kind: Kind, way: Way, *, floor: bool) -> Back:
    """One accident, and back."""
    size, writer = 0, Writer(made)
    copied = 0.0
    if floor:
        newest = made.vault.data(made.vault.catalog()[-1])
        of = made.folder / "replica" / "data" if kind is Kind.REPLICA else newest
        copied, size = plain_copy(of, made.cluster)
    with writer:
        wait_for_rows(writer)
        made.drop_database()
    timed, begun = Timed(), time.monotonic()
    situation = made.situation
    target = event.latest(situation, made.begun, "app")
    named = time.monotonic() - begun
    plan = make(situation, Wish(target, "app", way=way, source=kind))
    planned = time.monotonic() - begun
    outcome = Run.begin(situation, plan, timed).go()
    timed.end()
    return Back(
        culprit=round(named, 2),
        plan=round(planned, 2),
        serves=round(planned + outcome.seconds, 2),
        whole=round(planned + outcome.whole, 2),
        floor=round(copied, 2),
        size=size,
        rows=len(writer.acknowledged),
        lost=writer.lost(),
        steps=timed.steps,
    )


def wait_for_rows(writer: Writer) -> None:
    """Wait until some of what is written was acknowledged.

    Raises:
        TimeoutError: after a minute nothing was.
    """
    deadline = time.monotonic() + 60
    while len(writer.acknowledged) < 100:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
