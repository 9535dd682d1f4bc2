"""What a recovery is going to do, worked out before anything is touched."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.vault import position
from strongroom.errors import StrongroomError
from strongroom.recovery.situation import Situation
from strongroom.recovery.sources import Judged, Kind, Source
from strongroom.recovery.target import Target
from strongroom.recovery.wal import Later

# Bytes a second, as measured on two cores; only for the estimate.
_COPY, _REPLAY, _MOVE = 800e6, 60e6, 70e6
# Seconds for what does not depend on size: starts, promotion, the bootstrap.
_ALWAYS = 3
# What must be free beside what is copied: WAL that is replayed, and some air; bytes.
_AIR = 256 * 1024 * 1024


class Way(StrEnum):
    """How what was recovered comes back."""

    MIGRATE = "migrate"
    SWAP = "swap"


@dataclass(frozen=True)
class Wish:
    """What was asked for.

    Attributes:
        target: the point to go back to.
        database: the one to bring back.
        tables: only these tables of it, as ``schema.name``; all when empty.
        way: how; None to have it chosen.
        source: ``replica``, ``snapshot`` or the name of one; None for the quickest.
        consume: recover a replica itself instead of a copy of it.
    """

    target: Target
    database: str
    tables: tuple[str, ...] = ()
    way: Way | None = None
    source: str | None = None
    consume: bool = False


@dataclass(frozen=True)
class Plan:
    """One recovery.

    Attributes:
        reason: what makes the target the point to go back to; may be empty.
        target: recovery stops before the record at this LSN; None for the end of all WAL.
        timeline: of the target.
        database: the one to bring back.
        tables: only these tables; all when empty.
        way: how.
        why: why this way.
        source: what is recovered.
        others: why the quicker sources cannot be used.
        consume: the replica itself is recovered, not a copy of it.
        replicas: names of the stack's replicas.
        lost: how many transactions were committed after the target.
        first_lost: when the first of them was (ISO 8601).
        last_lost: when the last was.
        seconds: about how long it takes.
        made: when the plan was (ISO 8601).
    """

    reason: str
    target: str | None
    timeline: int
    database: str
    tables: tuple[str, ...]
    way: Way
    why: str
    source: Source
    others: tuple[str, ...]
    consume: bool
    replicas: tuple[str, ...]
    lost: int
    first_lost: str | None
    last_lost: str | None
    seconds: int
    made: str

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def load(cls, values: Mapping[str, Any]) -> "Plan":
        """From what `dump` gave."""
        source = dict(values["source"])
        return cls(
            **{
                **values,
                "source": Source(**{**source, "kind": Kind(source["kind"])}),
                "way": Way(values["way"]),
                **{name: tuple(values[name]) for name in ("tables", "others", "replicas")},
            }
        )


def make(situation: Situation, wish: Wish) -> Plan:
    """Work out how to fulfil a wish.

    Raises:
        StrongroomError: it cannot be fulfilled; says what can.
    """
    wal = situation.wal
    target = resolved(situation, wish.target)
    source, others = choose(situation, target, wish.source)
    way, why = _way(situation, wish, target)
    later = wal.later(target) if target else Later(0, None, None)
    plan = Plan(
        reason=wish.target.reason,
        target=target,
        timeline=wal.timeline,
        database=wish.database,
        tables=wish.tables,
        way=way,
        why=why,
        source=source,
        others=others,
        consume=wish.consume and source.kind is Kind.REPLICA,
        replicas=tuple(replica.directory.name for replica in situation.replicas),
        lost=later.count,
        first_lost=later.first.isoformat() if later.first else None,
        last_lost=later.last.isoformat() if later.last else None,
        seconds=_seconds(situation, source, target, way),
        made=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    if wish.consume and not plan.consume:
        raise StrongroomError(
            f"--swap-delayed wants a replica itself to be recovered, but the source is {source}"
            f"{_told(others)}. Leave the option out; nothing was changed."
        )
    refuse_full_disk(situation, plan)
    return plan


def choose(
    situation: Situation, target: str | None, wanted: str | None
) -> tuple[Source, tuple[str, ...]]:
    """The quickest source that leads to the target, and why those before it do not.

    Raises:
        StrongroomError: none does; names the nearest point one leads to.
    """
    rejected: list[Judged] = []
    for judged in situation.sources.judged(target):
        if wanted not in (None, judged.source.kind, judged.source.name):
            continue
        if judged.problem is None:
            return judged.source, _reasons(rejected)
        rejected.append(judged)
    nearest = max((each.nearest for each in rejected if each.nearest), default=None)
    offer = (
        f" The nearest point that can be reached is {nearest}: `--to {nearest}`." if nearest else ""
    )
    looked = "; ".join(_reasons(rejected)) or (
        f"none is called {wanted!r}" if wanted else "there is neither a replica nor a snapshot"
    )
    raise StrongroomError(
        f"Nothing leads back to {target or 'the end of the WAL'}: {looked}. Nothing was changed."
        f"{offer} What was deleted earlier lies whole in {situation.stack.final_snapshots}, if "
        "anywhere."
    )


def _reasons(rejected: list[Judged]) -> tuple[str, ...]:
    return tuple(f"{each.source}: {each.problem}" for each in rejected)


def _told(others: tuple[str, ...]) -> str:
    return f" ({'; '.join(others)})" if others else ""


def resolved(situation: Situation, target: Target) -> str | None:
    """The LSN of the record a target stops before; None for the end of all WAL.

    Raises:
        StrongroomError: nothing was written behind it, or it is not within reach.
    """
    wal = situation.wal
    point = wal.before(target.time) if target.time else target.lsn
    if point is None:
        return None
    record = wal.first_from(point)
    if record is None:
        raise StrongroomError(
            f"Nothing was written at or after {point} in the WAL within reach, so there is nothing "
            "to go back from and nothing was changed. If files of the primary are lost, "
            "`--to end` recovers everything there is; otherwise give an earlier point."
        )
    return record


def _way(situation: Situation, wish: Wish, target: str | None) -> tuple[Way, str]:
    if wish.tables:
        if wish.way is Way.SWAP:
            raise StrongroomError(
                "A single table cannot come back by a swap, which exchanges the whole primary, so "
                "nothing was changed. Leave out --way, or --table."
            )
        return Way.MIGRATE, "only these tables are put back; everything else stays as it is"
    if wish.consume:
        return Way.SWAP, "the replica itself is to take the primary's place"
    if wish.way is not None:
        return wish.way, "it was asked for"
    if target is None:
        return Way.SWAP, "everything there is comes back"
    if not situation.primary.running():
        return Way.SWAP, "the primary does not run"
    return Way.MIGRATE, "the primary runs, and its other databases stay as they are"


def _seconds(situation: Situation, source: Source, target: str | None, way: Way) -> int:
    end = position(target) if target else situation.wal.end
    replay = max(end - position(source.begin), 0) / _REPLAY
    check = source.size / _COPY if source.kind is Kind.SNAPSHOT else 0
    move = source.size / _MOVE if way is Way.MIGRATE else 0
    return round(_ALWAYS + source.size / _COPY + check + replay + move)


def refuse_full_disk(situation: Situation, plan: Plan) -> None:
    """Raise `StrongroomError` when the stack's disk has no room for what a plan makes."""
    copies = 0 if plan.consume else 1
    if plan.way is Way.MIGRATE and not plan.tables:
        copies = 3  # the copy, and the database made from it with its WAL
    needed = plan.source.size * copies + _AIR
    free = shutil.disk_usage(situation.stack.path).free
    if free < needed:
        raise StrongroomError(
            f"A recovery of {plan.source} by {plan.way} needs about {needed / 1e9:.1f} GB in "
            f"{situation.stack.path}, where {free / 1e9:.1f} GB are free, so it was not begun and "
            "nothing was changed. Free space (old final snapshots lie in "
            f"{situation.stack.final_snapshots}), or take the other way: a swap needs a third."
        )


def database_state(cluster: Cluster, database: str) -> str:
    """``there``, ``gone`` or ``invalid``, as root of a running cluster sees it."""
    with LocalRoot(cluster).connect() as connection:
        query = "SELECT datconnlimit FROM pg_database WHERE datname = %s"
        row = connection.execute(query, [database]).fetchone()
    return "gone" if row is None else "invalid" if row[0] == -2 else "there"
