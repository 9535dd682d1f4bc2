"""What the database holds, compared row by row with what its application was told."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from strongroom.drill.forms import Form
from strongroom.drill.journal import End, Journal


@dataclass(frozen=True)
class Saved:
    """One form as the database holds it.

    Attributes:
        form: its order and lines.
        total: the sum the order itself names, in cents.
    """

    form: Form
    total: int


@dataclass(frozen=True)
class Verdict:
    """How a database compares with a journal. Forms are told by their names.

    Attributes:
        acknowledged: how many forms the application was told are saved.
        rows: how many rows these have.
        lost: told to be saved, and not there.
        halved: there with some of their rows missing, or with more than they had.
        changed: there with all their rows, but not as they were sent.
        undead: there, although they were cut off before the commit.
        strange: there, although nobody sent them; rows without their order among them.
        unsure: how many ended without an answer to the commit.
        unsure_saved: how many of these are there, whole.
        cut_off: how many were cut off before the commit; rightly, nothing of them is there.
        sums: customers whose own sums are not those of their orders.
        history: whether what was there before is exactly as it was.
    """

    acknowledged: int
    rows: int
    lost: tuple[str, ...] = ()
    halved: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    undead: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    unsure: int = 0
    unsure_saved: int = 0
    cut_off: int = 0
    sums: tuple[int, ...] = ()
    history: bool = True

    @property
    def problems(self) -> list[str]:
        """What is wrong, a sentence each."""
        named = {
            "acknowledged and lost": self.lost,
            "saved by half": self.halved,
            "not as they were sent": self.changed,
            "there although they were cut off": self.undead,
            "there although nobody sent them": self.strange,
        }
        found = [f"{len(ids)} forms {what}: {_some(ids)}" for what, ids in named.items() if ids]
        if self.sums:
            customers = _some([str(each) for each in self.sums])
            found.append(f"the sums of {len(self.sums)} customers are wrong: {customers}")
        if not self.history:
            found.append("what was there before the drill is not as it was")
        if not self.acknowledged:
            found.append("the application was never told that a form is saved: nothing is proved")
        return found

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "problems": self.problems}


def compare(
    journal: Journal,
    saved: Iterable[Saved],
    strays: Iterable[str] = (),
    sums: Iterable[int] = (),
    *,
    history: bool = True,
) -> Verdict:
    """Compare every form of a journal with the database.

    Args:
        journal: what the application sent and was told.
        saved: every form the database holds.
        strays: forms of which it holds lines without an order.
        sums: customers whose sums are wrong.
        history: whether what was there before is as it was.
    """
    there = {each.form.id: each for each in saved}
    acknowledged = journal.ended(End.ACKNOWLEDGED)
    unsure = journal.ended(End.UNKNOWN)
    cut_off = journal.ended(End.CUT_OFF)
    halved, changed = [], []
    for name, found in there.items():
        entry = journal.entries.get(name)
        if entry is None:
            continue
        if len(found.form.lines) != len(entry.form.lines):
            halved.append(name)
        elif found.form != entry.form or found.total != entry.form.total:
            changed.append(name)
    return Verdict(
        acknowledged=len(acknowledged),
        rows=sum(1 + len(each.form.lines) for each in acknowledged),
        lost=tuple(each.form.id for each in acknowledged if each.form.id not in there),
        halved=tuple(halved),
        changed=tuple(changed),
        undead=tuple(each.form.id for each in cut_off if each.form.id in there),
        strange=(*(name for name in there if name not in journal.entries), *strays),
        unsure=len(unsure),
        unsure_saved=sum(each.form.id in there for each in unsure),
        cut_off=len(cut_off),
        sums=tuple(sums),
        history=history,
    )


def _some(names: Iterable[str]) -> str:
    first, *rest = names
    shown = [first, *rest[:4]]
    more = f" and {len(rest) - 4} more" if len(rest) > 4 else ""
    return ", ".join(shown) + more
