"""What transactions did to tables: files turned into names, places into rows with their keys."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import psycopg

from strongroom.bootstrap.root import Root
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.reconcile.pages import raw_rows
from strongroom.reconcile.remains import Did, Row, Touched, Values
from strongroom.reconcile.rows import Database, Read, Relation
from strongroom.reconcile.traces import Net, Place, Trace

# Rows of one table that are told of a transaction that was lost, and of one that was committed.
_LOST, _COMMITTED = 200, 50
# Rows that are read at all, of a kind; more would keep a recovery waiting.
_BUDGET = 5000
_OURS = ("strongroom", "pg_catalog", "pg_toast", "information_schema")
_TABLES = ("r", "m")
_NO_NAME = (
    "Its name is in no catalog that is left: it may have been made by the transaction itself."
)
_NO_COPY = "Rows that were never committed can be read in a recovered copy only."


@dataclass(frozen=True)
class Server:
    """Who can be asked for names and rows.

    Attributes:
        cluster: the server.
        root: its root.
        exact: whether its data is as it was at the point, and nobody else's doing.
    """

    cluster: Cluster
    root: Root
    exact: bool


@dataclass
class _File:
    """What is known of one file."""

    relation: Relation | None = None
    living: Mapping[Place, Read] = field(default_factory=dict)
    unborn: Mapping[Place, Read] = field(default_factory=dict)
    exact: bool = False
    problem: str = ""


class Touching:
    """Reads rows of the databases of one server, all at once.

    Attributes:
        unknown: what could not be read, and why.
    """

    def __init__(
        self,
        server: Server | None,
        database: str | None,
        tables: Sequence[str],
        lost: Sequence[Trace],
        committed: Sequence[Trace],
    ) -> None:
        """Read what is needed.

        Args:
            server: who is asked; None for nobody.
            database: only this one; None for all.
            tables: only these of it; all when empty.
            lost: transactions that are not part of what is kept.
            committed: transactions that are.

        Raises:
            StrongroomError: root cannot sign in.
            psycopg.Error: the server refuses something.
        """
        self.unknown: list[str] = []
        self._server = server
        self._scope, self._tables = database, frozenset(tables)
        self._names: dict[int, str] = {}
        self._files: dict[str, _File] = defaultdict(_File)
        self._nets = {id(each): each.nets() for each in (*lost, *committed)}
        if server is not None:
            self._read(server, lost, committed)

    def database_of(self, traced: Trace) -> str | None:
        """Where a transaction was; None when that is none of the scope's."""
        if traced.unseen:
            return "not known"
        for number in traced.databases:
            name = self._names.get(number)
            if self._scope is None or name in (None, self._scope):
                return name or f"number {number}"
        return None

    def touched(self, traced: Trace, *, kept: bool) -> tuple[Touched, ...]:
        """What a transaction did, table by table.

        Args:
            traced: the transaction.
            kept: whether that is part of what is kept.
        """
        found = []
        for name, net, file in self._each(traced):
            updated = sum(place is not None for place in net.made.values())
            rows = tuple(_rows(net, file, traced.ids, kept=kept))
            inserted, deleted = len(net.made) - updated, len(net.gone)
            touched = Touched(name, inserted, updated, deleted, rows)
            found.append(replace(touched, unknown=self._untold(touched, net, file, kept=kept)))
        return tuple(found)

    def _untold(self, touched: Touched, net: Net, file: _File, *, kept: bool) -> str:
        """Why not every row is told."""
        more = f"{net.uncounted:,} further changes are not followed one by one. "
        left, most = touched.count - len(touched.rows), _COMMITTED if kept else _LOST
        if not left:
            why = ""
        elif file.relation is None:
            why = _NO_NAME
        elif file.problem:
            why = file.problem
        elif touched.count > most:
            why = f"Only the first {most} rows are told."
        elif kept:
            why = f"{left} of the rows were changed again or deleted, and have no key now."
        elif self._server is None or not self._server.exact:
            why = _NO_COPY
        else:
            why = f"{left} of the rows were tidied away before they could be read."
        return f"{more if net.uncounted else ''}{why}".strip()

    def _each(self, traced: Trace) -> Iterator[tuple[str, Net, _File]]:
        for file, net in self._nets[id(traced)].items():
            known = self._files[file]
            relation = known.relation
            if relation is None:
                if not self._tables:
                    yield f"file number {file.rpartition('/')[2]}", net, known
            elif self._is_told(relation):
                yield relation.name, net, known

    def _is_told(self, relation: Relation) -> bool:
        named = not self._tables or relation.name in self._tables
        return named and relation.kind in _TABLES and relation.schema not in _OURS

    def _read(self, server: Server, lost: Sequence[Trace], committed: Sequence[Trace]) -> None:
        with server.root.connect() as session:
            self._names = dict(session.execute("SELECT oid, datname FROM pg_database").fetchall())
            if server.exact:
                session.execute("CHECKPOINT")  # so that files hold what rows are read from
        files: dict[int, set[str]] = defaultdict(set)
        for nets in self._nets.values():
            for file in nets:
                files[int(file.split("/")[1])].add(file)
        with ExitStack() as stack:
            there: dict[int, Database] = {}
            for number, mine in files.items():
                name = self._names.get(number)
                if name is None or self._scope not in (None, name):
                    continue
                try:
                    there[number] = stack.enter_context(_opened(server, name))
                except (StrongroomError, psycopg.Error) as error:
                    self.unknown.append(f"Rows of {name} could not be read: {_line(error)}.")
                    continue
                found = there[number].relations([int(file.rpartition("/")[2]) for file in mine])
                for file in mine:
                    self._files[file].relation = found.get(int(file.rpartition("/")[2]))
            self._read_rows(server, there, lost, committed)

    def _read_rows(
        self,
        server: Server,
        there: Mapping[int, Database],
        lost: Sequence[Trace],
        committed: Sequence[Trace],
    ) -> None:
        raw: dict[str, dict[Place, bytes]] = defaultdict(dict)
        seen: dict[str, set[Place]] = defaultdict(set)
        for traced in lost:
            for file, relation, net in self._tables_of(traced):
                made = sorted(net.made)[:_LOST]
                before = [old for place in made if (old := net.made[place]) is not None]
                seen[file] |= {*before, *sorted(net.gone)[:_LOST]}
                if server.exact and sum(map(len, raw.values())) < _BUDGET:
                    path = server.cluster.data / relation.path
                    # All of them before the first query: reading a page may tidy it.
                    raw[file] |= dict(raw_rows(path, made, traced.ids))
        for traced in reversed(committed):
            for file, _, net in self._tables_of(traced):
                if sum(map(len, seen.values())) < 2 * _BUDGET:
                    seen[file] |= set(sorted(net.made)[:_COMMITTED])
        for file in {*raw, *seen}:
            known = self._files[file]
            database = there.get(int(file.split("/")[1]))
            if database is None or known.relation is None:
                continue
            try:
                known.exact = server.exact
                known.unborn = database.unborn(known.relation, raw[file])
                known.living = database.living(known.relation, seen[file])
            except (psycopg.Error, OSError) as error:
                known.problem = f"Its rows could not be read: {_line(error)}."

    def _tables_of(self, traced: Trace) -> Iterator[tuple[str, Relation, Net]]:
        for file, net in self._nets[id(traced)].items():
            relation = self._files[file].relation
            if relation is not None and relation.kind in _TABLES:
                yield file, relation, net


@contextmanager
def _opened(server: Server, name: str) -> Iterator[Database]:
    with server.root.connect(name) as session:
        session.execute(
            "SELECT set_config(name, value, false) FROM (VALUES ('event_triggers', 'off'), "
            "('search_path', 'pg_catalog'), ('timezone', 'UTC'), ('datestyle', 'ISO'), "
            "('statement_timeout', '10s')) AS wanted (name, value)"
        )
        yield Database(session, server.cluster.data)


def _rows(net: Net, file: _File, ids: frozenset[int], *, kept: bool) -> Iterator[Row]:
    """The rows that could be read."""
    for place, old in sorted(net.made.items()):
        did = Did.INSERTED if old is None else Did.UPDATED
        after = file.living.get(place) if kept else file.unborn.get(place)
        if after is None or (kept and after.writer not in ids):
            continue
        before = file.living.get(old) if old is not None and not kept else None
        if kept:
            yield Row(did, after.key, {}, {} if after.key else after.values)
        elif before is not None:
            changed = {name for name, text in after.values.items() if before.values[name] != text}
            yield Row(did, before.key, _only(before, changed), _only(after, changed))
        else:
            yield Row(did, after.key, {}, after.values)
    for place in sorted(net.gone) if not kept else ():
        was = file.living.get(place)
        if was is not None and (file.exact or was.ender in ids):
            yield Row(Did.DELETED, was.key, {} if was.key else was.values)


def _only(row: Read, names: Iterable[str]) -> Values:
    wanted = set(names)
    return {name: text for name, text in row.values.items() if name in wanted}


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
