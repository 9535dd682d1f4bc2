"""What a recovery notes of its copy, so that it can be told when the copy is gone."""

from collections.abc import Iterator

import psycopg

from strongroom.errors import StrongroomError
from strongroom.reconcile.noting import Noting, Scope
from strongroom.reconcile.touching import Server
from strongroom.recovery.journal import Journal
from strongroom.recovery.plan import Plan, Way
from strongroom.recovery.recovered import Recovered
from strongroom.recovery.situation import Situation


def note(situation: Situation, recovered: Recovered, journal: Journal) -> Iterator[str]:
    """Note what the target cuts off; that it cannot be noted stops no recovery.

    Args:
        situation: the stack.
        recovered: the copy, recovered to the target and read by nobody yet.
        journal: of the recovery; gets the note.

    Yields:
        what a person has to know.
    """
    plan = journal.plan
    if plan.target is None:
        return  # the end of all WAL: nothing is known to have come after it
    server = Server(recovered, recovered.root, exact=True)
    noting = Noting(situation, plan.target, scope(plan), plan.reason)
    try:
        remains = noting.remains(server)
    except (StrongroomError, psycopg.Error, OSError, ValueError, LookupError) as error:
        told = " ".join(str(error).split())
        yield f"what was cut off could not be noted ({told})"
        return
    journal.note(remains=remains.dump())
    if remains.lost:
        count = len(remains.lost)
        what = "1 transaction was" if count == 1 else f"{count} transactions were"
        yield f"{what} cut off; `strongroom reconcile` tells which rows to look at"


def scope(plan: Plan) -> Scope:
    """What a recovery cuts off: all of the primary by a swap, else only what is put back."""
    return Scope(None if plan.way is Way.SWAP else plan.database, plan.tables)
