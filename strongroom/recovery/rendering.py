"""A plan in words: what is going to be done, from what, and what is lost by it."""

from collections.abc import Iterator

from strongroom.recovery.plan import Plan, Way


def lines(plan: Plan) -> Iterator[tuple[str, str]]:
    """Labels and sentences, in the order a person wants to know them."""
    stop = f"just before {plan.target}" if plan.target else "the end of all WAL there is"
    yield "back to", f"{stop} (timeline {plan.timeline})"
    if plan.reason:
        yield "because", plan.reason
    yield "what", ", ".join(plan.tables) if plan.tables else _what(plan)
    action = "taken itself, not a copy" if plan.consume else f"a copy, {_size(plan.source.size)}"
    yield "from", f"{plan.source} ({action})"
    for other in plan.others:
        yield "not from", other
    yield "way", f"{plan.way}: {plan.why}"
    yield "lost by it", _lost(plan)
    yield "kept", _kept(plan)
    yield "takes", f"about {plan.seconds} s"


def _what(plan: Plan) -> str:
    if plan.way is Way.SWAP:
        return f"the whole primary, {plan.database} and all other databases"
    return f"database {plan.database}"


def _lost(plan: Plan) -> str:
    if plan.target is None:
        return "nothing that is in the WAL"
    if plan.tables:
        return "nothing; a table that is there again stays, and gets a neighbour _recovered"
    if plan.lost == 0:
        return "nothing: no transaction was committed after that"
    count = "1 transaction" if plan.lost == 1 else f"{plan.lost:,} transactions"
    when = f"{count} committed from {plan.first_lost} to {plan.last_lost}, the harm included"
    if plan.way is Way.SWAP:
        return f"all that was done since in ALL databases: {when}"
    return f"what was done since in {plan.database}, out of {when}; nothing elsewhere"


def _kept(plan: Plan) -> str:
    if plan.way is Way.SWAP:
        aside = ["the primary before, whole", *(f"the replica {name}" for name in plan.replicas)]
        return f"{', '.join(aside)} (in final-snapshots); replicas are made anew"
    if plan.tables:
        return "everything"
    return f"whatever is called {plan.database} now, under another name; all other databases"


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"
