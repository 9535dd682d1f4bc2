"""Which of several statements was it: by what their sessions did then, and by the tables."""

from collections.abc import Collection, Sequence

from strongroom.incident.events import Kind
from strongroom.incident.living import Living
from strongroom.incident.log import Statement
from strongroom.incident.wal import Deed


def likely(fitting: Sequence[Statement], deed: Deed, living: Living) -> list[Statement]:
    """Those statements that can have done a deed, as far as a running server tells.

    The log does not tell when a statement was over, so one that began long before a commit, in a
    session that has done nothing since, fits it too; the server knows that session to be idle.
    """
    can = [each for each in fitting if not _idle(each, deed, living)]
    if deed.kind is not Kind.DELETE or len({each.session.id for each in can}) < 2:
        return can
    files = living.files(deed.database, [number for number, _ in deed.rows])
    of_them = [each for each in can if _speaks_of(each, set(files.values()))]
    return of_them or can


def _idle(said: Statement, deed: Deed, living: Living) -> bool:
    """Whether its session had ended what it ran last before the deed was done."""
    return any(
        last.session.id == said.session.id and last.changed < deed.time and last.idle
        for last in living.last
    )


def _speaks_of(said: Statement, tables: Collection[str]) -> bool:
    """Whether a statement deletes from one of the tables, told by their names without schemas."""
    plain = {_plain(name) for name in tables}
    named = (name for action in said.actions for name in action.names)
    return any(_plain(name) in plain for name in named)


def _plain(name: str) -> str:
    return name.rpartition(".")[2]
