"""Checks of what is there now: those that are built in, and the team's own."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from strongroom.bootstrap.root import Root
from strongroom.errors import StrongroomError
from strongroom.reconcile.rows import query, told

Session = psycopg.Connection[Any]

# Offending rows that are told, and that are counted at most.
_TOLD, _COUNTED = 20, 1000


class State(StrEnum):
    """How a check went."""

    CLEAN = "clean"
    FOUND = "found"
    FAILED = "not run"


@dataclass(frozen=True)
class Check:
    """One check and what it found.

    Attributes:
        name: of the check; for the team's own the name of its file.
        about: what it looks for, in a sentence.
        state: how it went; one that was not run to its end is never clean.
        rows: the first offending rows, text by column.
        count: how many there are.
        capped: whether there may be more than `count`.
        problem: why it could not be run to its end.
        remark: what else is worth knowing.
    """

    name: str
    about: str
    state: State = State.CLEAN
    rows: tuple[Mapping[str, str | None], ...] = ()
    count: int = 0
    capped: bool = False
    problem: str = ""
    remark: str = ""

    def having(self, rows: Sequence[Mapping[str, Any]]) -> "Check":
        """With further offending rows."""
        known = (*self.rows, *({name: told(value) for name, value in row.items()} for row in rows))
        return replace(
            self,
            state=State.FOUND if known and self.state is not State.FAILED else self.state,
            rows=known[:_TOLD],
            count=self.count + len(rows),
            capped=self.capped or len(rows) >= _COUNTED,
        )

    def failing(self, problem: str) -> "Check":
        """One that could not be run to its end."""
        both = f"{self.problem} {problem}".strip()
        return replace(self, state=State.FAILED, problem=both)


BUILT_IN = (
    Check("foreign keys", "rows that break a foreign key that was never validated"),
    Check("sequences", "sequences whose next value is in their column already"),
    Check("indexes", "B-tree indexes that do not fit their tables, by amcheck"),
)


def run(root: Root, database: str, files: Iterable[Path], timeout: int) -> Iterator[Check]:
    """Run all checks, one after the other; nothing is changed by them.

    Args:
        root: of the server.
        database: the one that is looked at.
        files: the team's own, which hold one SELECT each.
        timeout: seconds that one query may take.
    """
    for check, act in zip(BUILT_IN, (_foreign_keys, _sequences, _indexes), strict=True):
        try:
            with _session(root, database, timeout) as session:
                yield act(session, check)
        except (psycopg.Error, StrongroomError) as error:
            yield check.failing(_line(error))
    for path in files:
        yield _of_the_team(root, database, path, timeout)


def not_run(files: Iterable[Path], why: str) -> Iterator[Check]:
    """All checks, when none can be run."""
    for check in (*BUILT_IN, *(Check(path.name, "") for path in files)):
        yield check.failing(why)


@contextmanager
def _session(root: Root, database: str, timeout: int) -> Iterator[Session]:
    """A session whose one transaction is rolled back, with what `_read` needs."""
    with root.connect(database) as session, session.transaction(force_rollback=True):
        session.execute(
            "SELECT set_config(name, value, true) FROM (VALUES ('event_triggers', 'off'), "
            "('search_path', 'pg_catalog'), ('timezone', 'UTC'), ('datestyle', 'ISO'), "
            "('row_security', 'off'), ('statement_timeout', %s)) AS wanted (name, value)",
            [f"{timeout}s"],
        )
        session.execute(query("reader"))
        yield session


def _read(session: Session, text: str) -> list[dict[str, Any]]:
    """What a query says, run by who can only read; numbers as they are written."""
    rows = session.execute("SELECT pg_temp.strongroom_read(%s, %s)", [text, _COUNTED]).fetchall()
    return [json.loads(row, parse_int=str, parse_float=str) for (row,) in rows]


def _foreign_keys(session: Session, check: Check) -> Check:
    session.execute("SET TRANSACTION READ ONLY")
    keys = session.execute(query("foreign_keys")).fetchall()
    for table, name, offending in keys:
        check = _looked(session, check, f"{name} of {table}", offending, "foreign key")
    if keys and check.state is State.CLEAN:
        names = ", ".join(f"{name} of {table}" for table, name, _ in keys)
        remark = f"Never validated, but no row breaks it (VALIDATE CONSTRAINT says so): {names}."
        check = replace(check, remark=remark)
    return check


def _sequences(session: Session, check: Check) -> Check:
    session.execute("SET TRANSACTION READ ONLY")
    for _, column, offending in session.execute(query("sequences")).fetchall():
        check = _looked(session, check, column, offending)
    return check


def _looked(session: Session, check: Check, what: str, offending: str, column: str = "") -> Check:
    """Run one of a check's queries; that it fails does not stop the others.

    Args:
        session: as `_session` gives it.
        check: what the others found.
        what: it looks at.
        offending: the query.
        column: the name under which `what` is told of each row; not at all when empty.
    """
    try:
        with session.transaction():
            rows = _read(session, offending)
    except psycopg.Error as error:
        return check.failing(f"{what}: {_line(error)}.")
    return check.having([{**({column: what} if column else {}), **row} for row in rows])


def _indexes(session: Session, check: Check) -> Check:
    """By amcheck, which is made for this transaction only where the database lacks it."""
    row = session.execute(
        "SELECT nspname FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace "
        "WHERE extname = 'amcheck'"
    ).fetchone()
    schema = row[0] if row else "strongroom_amcheck"
    if row is None:
        made = sql.Identifier(schema)
        session.execute(sql.SQL("CREATE SCHEMA {}").format(made))
        session.execute(sql.SQL("CREATE EXTENSION amcheck SCHEMA {}").format(made))
    function = sql.Identifier(schema, "bt_index_check")
    indexes = session.execute(query("indexes")).fetchall()
    for index, oid, table in indexes:
        try:
            with session.transaction():
                # With heapallindexed: whether each row of the table is in the index, too.
                session.execute(sql.SQL("SELECT {}({}::oid::regclass, true)").format(function, oid))
        except (psycopg.errors.IndexCorrupted, psycopg.errors.DataCorrupted) as error:
            check = check.having([{"index": index, "table": table, "what": _line(error)}])
        except psycopg.Error as error:
            check = check.failing(f"{index}: {_line(error)}.")
    return check


def _of_the_team(root: Root, database: str, path: Path, timeout: int) -> Check:
    check = Check(path.name, "")
    try:
        text = path.read_text(encoding="utf-8")
        check = replace(check, about=_about(text))
        with _session(root, database, timeout) as session:
            session.execute("SET TRANSACTION READ ONLY")
            rows = _read(session, text)
    except (psycopg.Error, StrongroomError, OSError, UnicodeError) as error:
        return check.failing(_line(error))
    return check.having(rows)


def _about(text: str) -> str:
    """The comment a check begins with."""
    lines = []
    for line in text.strip().splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.lstrip("- ").strip())
    return " ".join(lines)


def _line(error: Exception) -> str:
    """What went wrong, without where in our own function."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        detail = error.diag.message_detail
        return f"{error.diag.message_primary}{f' ({detail})' if detail else ''}"
    return " ".join(str(error).split())
