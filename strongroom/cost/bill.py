"""A stack's settings as lines of a bill."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from strongroom.cost.prices import PriceList
from strongroom.settings import Settings

#: Resources of every stack, the most there are; what they are is in the graph.
ALARMS, METRICS = 40, 20
#: Storage; logs and alarms; root's secret; backups.
_KEYS = 4
_SERVICES_BEHIND_DOORS = 2

#: What depends on use, or is too little to count.
NOT_IN_IT = (
    "snapshots beyond the size of the database; logs taken in and kept; restore tests; data that "
    "crosses zones or regions; storage that grew; CPU credits beyond a class's own; calls of "
    "functions and keys; CloudTrail; the support plan; taxes and discounts"
)


@dataclass(frozen=True)
class Line:
    """One line of a bill.

    Attributes:
        what: it is for.
        count: how many there are.
        price: of one of them a month; None when the list does not have it.
        date: of that price; empty without one.
        stands_in: what that price is really of; empty when it is of this.
    """

    what: str
    count: float
    price: float | None
    date: str = ""
    stands_in: str = ""

    @property
    def monthly(self) -> float:
        """Of all of them; 0 when the price is not known."""
        return self.count * (self.price or 0)


@dataclass(frozen=True)
class Bill:
    """What a stack costs a month, as far as it can be known beforehand.

    Attributes:
        environment: the stack.
        region: where it is.
        lines: the largest first.
    """

    environment: str
    region: str
    lines: tuple[Line, ...]

    @property
    def monthly(self) -> float:
        """The sum of the lines whose price is known."""
        return sum(line.monthly for line in self.lines)

    @property
    def stand_ins(self) -> tuple[tuple[str, str], ...]:
        """What has the price of something else, and of what."""
        return tuple((line.what, line.stands_in) for line in self.lines if line.stands_in)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the list has no price for."""
        return tuple(line.what for line in self.lines if line.price is None)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        lines = [{**asdict(line), "monthly": round(line.monthly, 2)} for line in self.lines]
        return {**asdict(self), "lines": lines, "monthly": round(self.monthly, 2)}


def bill(settings: Settings, prices: PriceList) -> Bill:
    """The bill of one stack on AWS.

    Args:
        settings: the stack's.
        prices: the list.
    """
    lines = sorted(_lines(settings, prices), key=lambda line: -line.monthly)
    return Bill(settings.environment, settings.aws.region, tuple(lines))


def _lines(settings: Settings, prices: PriceList) -> Iterator[Line]:
    given = settings.aws
    zones, replicas = (2 if given.multi_az else 1), (2 if settings.replica_delay_seconds else 1)
    smaller = given.replica_class or given.instance_class
    copies = bool(given.copy_region)

    def line(what: str, count: float, key: str) -> Line:
        price = prices.prices.get(key)
        if price is None:
            return Line(what, count, None)
        return Line(what, count, price.monthly, price.date, price.stands_in)

    yield line(
        f"primary, {given.instance_class} in {_counted(zones, 'zone')}", zones, given.instance_class
    )
    yield line(f"{_counted(replicas, 'replica')}, {smaller}", replicas, smaller)
    yield line("storage of the primary, GB", given.storage_gb * zones, "storage")
    yield line("storage of replicas, GB", given.storage_gb * replicas, "storage")
    if not given.vpc:
        doors = _SERVICES_BEHIND_DOORS * len(given.zones)
        yield line("endpoints, one a service and zone", doors, "endpoint")
    if copies:
        # The least: one whole copy by AWS Backup, and one of RDS's own backups.
        yield line(
            f"copies of backups in {given.copy_region}, GB or more", given.storage_gb * 2, "backup"
        )
    yield line("keys", _KEYS + copies, "key")
    yield line("secret", 1, "secret")
    yield line("alarms, or fewer", ALARMS, "alarm")
    yield line("metrics of the log, or fewer", METRICS, "metric")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count > 1)}"
