"""What a review comes to, in words that the comment and the page share."""

from collections import Counter

from strongroom.review.preview import Preview
from strongroom.review.review import Review
from strongroom.review.words import Value, Words, values

#: The words for the engine's operations, in the order in which they are told.
_DONE = {"create": "made", "update": "changed", "replace": "replaced", "delete": "deleted"}


def headline(review: Review) -> str:
    """A few words that decide whether to read on."""
    count = len(review.flags)
    flagged = "1 red flag" if count == 1 else f"{count:,} red flags"
    if review.failed:
        return f"Cannot be applied, {flagged}." if count else "Cannot be applied."
    if not count:
        return "No red flags."
    return f"{flagged}, approved." if review.approved else f"{flagged}, not approved."


def verdict(review: Review) -> Words:
    """Who approved, or who can."""
    if not review.flags:
        return ()
    refused: Words = ()
    for each in review.approvals:
        if not each.counts:
            by = Value(each.by)
            refused += (" The approval of ", by, " does not count: ", *each.refused, ".")
    if review.approved:
        counting = dict.fromkeys(each.role for each in review.approvals if each.counts)
        return ("Approved by ", *values(counting), ".", *refused)
    if not review.may_approve:
        return ("The base names nobody who could approve this.", *refused)
    who = values(review.may_approve, "or")
    return ("It needs the approval of ", *who, ", who did not make it.", *refused)


def operations(preview: Preview) -> str:
    """How many resources are made, changed and so on."""
    counted = Counter(step.op for step in preview.steps)
    order = sorted(counted, key=lambda op: ([*_DONE].index(op) if op in _DONE else 9, op))
    told = [f"{counted[op]} {_DONE.get(op, op)}" for op in order]
    return ", ".join([*told, f"{preview.unchanged} unchanged"])
