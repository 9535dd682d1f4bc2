"""Giving an unfinished recovery up."""

import shutil
from collections.abc import Iterator

from strongroom.bootstrap.local import LocalRoot
from strongroom.errors import StrongroomError
from strongroom.recovery import copying
from strongroom.recovery.footing import alone
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Way
from strongroom.recovery.recovered import Recovered
from strongroom.recovery.situation import Situation
from strongroom.recovery.transfer import Transfer, arriving, limit_of


def abandon(situation: Situation) -> list[str]:
    """Undo what an unfinished recovery left, never data of the stack.

    Returns:
        what was done.

    Raises:
        StrongroomError: what was recovered is in its place already: the only way is forward.
    """
    with alone(situation.stack):
        journal = Journal.at(situation.stack)
        if journal is None:
            return []
        if journal.plan.way is Way.MIGRATE and situation.primary.exists():
            situation.primary.start()  # what was made in it can only be told and removed there
        done = list(_undone(situation, journal))
        journal.forget()
        return done


def _is_back(situation: Situation, journal: Journal) -> bool:
    """Whether what was recovered has taken its place already, noted or not."""
    primary, recovered = situation.primary, Recovered.beside(situation.primary)
    done, plan = set(journal.done), journal.plan
    if plan.way is Way.SWAP:
        halfway = "check" in done and not (recovered.directory.exists() and primary.exists())
        return "exchange" in done or halfway
    if "restore" not in done or plan.tables:
        return "restore" in done
    if not primary.running():
        return False
    with LocalRoot(primary).connect() as there:
        return limit_of(there, arriving(plan.database)) is None


def _undone(situation: Situation, journal: Journal) -> Iterator[str]:
    if _is_back(situation, journal):
        raise StrongroomError(
            "What was recovered has taken its place already, so there is nothing to abandon. Run "
            "`strongroom recover` again: it finishes what is left, such as ownership and replicas. "
            f"What was there before is kept, a primary in {situation.stack.final_snapshots}."
        )
    recovered = Recovered.beside(situation.primary)
    for replica in situation.replicas:
        copying.resume(replica, situation.primary)
    primary = situation.primary
    if primary.running() and journal.plan.way is Way.MIGRATE:
        with primary.locked():
            yield from Transfer(recovered, primary, journal.plan.database, lambda _: None).undo()
    if recovered.directory.exists():
        recovered.stop()
        if journal.plan.consume and recovered.exists():
            yield f"the replica's data is kept in {situation.stack.set_aside(recovered)}"
        else:
            recovered.fresh("data")  # ends what still copies
            shutil.rmtree(recovered.directory)
            yield f"{recovered.directory} removed"
