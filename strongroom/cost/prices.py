"""List prices as data, each with its date and where it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Self

import yaml

#: Hours of a month, as AWS's own calculator takes them.
HOURS = 730


@dataclass(frozen=True)
class Price:
    """What one of something costs.

    Attributes:
        price: in the list's currency.
        per: ``hour``, ``month`` or ``GB-month``.
        date: of the page it was read on, as exact as the page is; ``undated`` where it has none.
        source: where it was read.
        stands_in: what it is really the price of, where the right one was not found.
    """

    price: float
    per: str
    date: str
    source: str
    stands_in: str = ""

    @property
    def monthly(self) -> float:
        """For a month; of storage for 1 GB."""
        return self.price * HOURS if self.per == "hour" else self.price


@dataclass(frozen=True)
class PriceList:
    """The prices of one region.

    Attributes:
        region: of which they are.
        currency: in which they are.
        prices: by what is bought; instances by their class.
    """

    region: str
    currency: str
    prices: Mapping[str, Price]

    @classmethod
    def load(cls) -> Self:
        """Read the list that comes with Strongroom."""
        text = resources.files("strongroom.cost").joinpath("prices.yaml").read_text()
        values = yaml.safe_load(text)
        prices = {
            what: Price(**{**each, "date": str(each["date"])})
            for what, each in values["prices"].items()
        }
        return cls(values["region"], values["currency"], prices)
