"""The forms an application saves: an order with its lines, in one transaction."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

# Words as people type them: quotes, accents, several bytes a letter.
_NOTES = ("", "before noon", "O'Neill, 2nd floor", "œufs “bio”", "お急ぎ便", "100 % sure; -- ok")
_ITEMS = ("tea", "salt", "jam", "crème", "rope", "nails")
#: Customers of one worker, so that workers never wait for each other.
CUSTOMERS = 20


@dataclass(frozen=True)
class Line:
    """One line of an order.

    Attributes:
        position: from 1.
        item: what.
        quantity: how many.
        price: of each, in cents.
    """

    position: int
    item: str
    quantity: int
    price: int


@dataclass(frozen=True)
class Form:
    """One order as a customer sends it.

    Attributes:
        id: the application's own name of it.
        customer: whose it is.
        note: what they wrote.
        lines: at least one.
    """

    id: str
    customer: int
    note: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        """What it costs, in cents."""
        return sum(line.quantity * line.price for line in self.lines)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def load(cls, values: Mapping[str, Any]) -> "Form":
        """From what `dump` gave."""
        lines = tuple(Line(**line) for line in values["lines"])
        return cls(values["id"], values["customer"], values["note"], lines)


def forms(run: str, worker: int) -> Iterator[Form]:
    """The forms of one worker, without end; the same ones for the same run.

    Args:
        run: begins the name of each form.
        worker: from 0.
    """
    choose = random.Random(f"{run}-{worker}")  # noqa: S311 - not a secret
    number = 0
    while True:
        number += 1
        lines = tuple(
            Line(position, choose.choice(_ITEMS), choose.randint(1, 9), choose.randint(1, 9999))
            for position in range(1, choose.randint(2, 6))
        )
        customer = worker * CUSTOMERS + choose.randrange(CUSTOMERS)
        yield Form(f"{run}-w{worker}-{number}", customer, choose.choice(_NOTES), lines)
