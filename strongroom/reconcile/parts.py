"""Which transaction a subtransaction was a part of."""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from strongroom.reconcile.traces import Trace

# How long a session takes at most to roll back all its levels when it is ended.
_AT_ONCE = timedelta(milliseconds=100)

# Four bytes for each transaction, 32 pages a file (access/subtrans.c, access/slru.h).
_EACH = 65_536


def parents(data: Path, ids: Iterable[int]) -> dict[int, int]:
    """The transactions that subtransactions were begun in, as pg_subtrans of a server tells.

    The server writes it out with every checkpoint, such as the one DROP DATABASE makes, and
    forgets it when it is started anew.

    Args:
        data: the server's data folder.
        ids: of transactions of any kind.

    Returns:
        for those that are known as subtransactions, the number of the one around each.
    """
    found = {}
    for id_ in ids:
        number, within = divmod(id_, _EACH)
        try:
            with (data / "pg_subtrans" / f"{number:04X}").open("rb") as file:
                file.seek(within * 4)
                (parent,) = struct.unpack("=I", file.read(4))
        except (OSError, struct.error):
            continue
        if parent and parent < id_:
            found[id_] = parent
    return found


def joined(wholes: Iterable[Trace], loose: Iterable[Trace], known: Mapping[int, int]) -> set[int]:
    """Join to transactions the parts of them that were still theirs in the end.

    A part that was rolled back by itself, such as by ROLLBACK TO SAVEPOINT, left nothing behind;
    one that was rolled back with its session was work like all the rest.

    Args:
        wholes: the transactions.
        loose: what may be a part of them.
        known: what `parents` told.

    Returns:
        the numbers of all that are parts, whether they were joined or not.
    """
    tops = {each.id: each for each in wholes}
    families: dict[int, list[Trace]] = defaultdict(list)
    for each in sorted(loose, key=lambda one: one.first):
        top = _top(each.id, known)
        if top in tops and top != each.id:
            families[top].append(each)
    for top, family in families.items():
        whole = tops[top]
        changed = max(each.changed for each in (whole, *family))
        for each in family:
            if _ended_with(each, whole, changed):
                whole.join(each)
    return {each.id for family in families.values() for each in family}


def _top(id_: int, known: Mapping[int, int]) -> int:
    while id_ in known:
        id_ = known[id_]
    return id_


def _ended_with(part: Trace, whole: Trace, changed: int) -> bool:
    """Whether a part was still there when the transaction ended.

    Args:
        part: the part.
        whole: the transaction.
        changed: the LSN of the last change by any part of it, in bytes.
    """
    if part.done is None or whole.done is None:
        return part.done is None
    return part.done.lsn > changed and whole.done.time - part.done.time <= _AT_ONCE
