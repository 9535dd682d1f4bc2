"""A report as people read it: Markdown, for a file or a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from strongroom.incident.events import Session
from strongroom.reconcile.checks import Check, State
from strongroom.reconcile.remains import End, Remains, Row, Touched, Transaction, Values

if TYPE_CHECKING:
    from strongroom.reconcile.report import Report

# Rows of one table of a transaction that are shown; --json has all that are told.
_SHOWN = 50
_SIGNS = {State.CLEAN: "clean", State.FOUND: "**look**", State.FAILED: "**not run**"}
_ENDS = {
    End.CUT: "cut off with its session",
    End.OPEN: "open at that point, never committed",
    End.LATER: "open at that point; its commit came later and is not part of what is kept",
    End.UNDONE: "rolled back just before",
}
# What would be read as Markdown or HTML.
_MEANT = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#~&"})


def lines(report: Report, people: Mapping[str, str]) -> Iterator[str]:
    """The report, line by line."""
    yield f"# What to look at in {_plain(report.database)}"
    yield ""
    yield f"Made {_time(report.made)}. {_verdict(report)}"
    if report.remains is not None:
        yield from _remains(report.remains, people)
    yield ""
    yield "## Checks of what is there now"
    yield ""
    yield from _table(
        ("check", "result", "offending rows", "looks for"),
        [
            (_plain(each.name), _SIGNS[each.state], _count(each), _plain(each.about))
            for each in report.checks
        ],
    )
    for check in report.checks:
        yield from _check(check)
    if report.unknown:
        yield from _section("Not known", report.unknown)


def _verdict(report: Report) -> str:
    if report.clean:
        return "There is nothing to look at."
    lost = len(report.remains.lost) if report.remains else 0
    found = sum(each.state is State.FOUND for each in report.checks)
    failed = sum(each.state is State.FAILED for each in report.checks)
    parts = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (lost, "transaction was not kept", "transactions were not kept"),
            (found, "check found something", "checks found something"),
            (failed, "check could not be run", "checks could not be run"),
        )
        if count
    ]
    if report.remains and report.remains.blind:
        parts.append("not everything could be seen")
    return f"**{'; '.join(parts)}.**"


def _remains(remains: Remains, people: Mapping[str, str]) -> Iterator[str]:
    yield ""
    because = f" ({_plain(remains.reason)})" if remains.reason else ""
    last = (
        f"; the last transaction before it ended at {_time(remains.time)}" if remains.time else ""
    )
    yield (
        f"The point: just before {remains.lsn} on timeline {remains.timeline}{because}{last}. "
        f"Looked at: {_plain(remains.scope)}."
    )
    yield ""
    yield "## Transactions that were not kept"
    yield ""
    if not remains.lost:
        yield "None is known." if remains.blind else "None."
    for each in remains.lost:
        yield from _lost(each, people)
    if remains.idle:
        yield ""
        yield (
            f"Ended as well, with nothing changed: "
            f"{'; '.join(_who(each.session, people) for each in remains.idle)}."
        )
    yield ""
    yield f"## Committed in the last {remains.window} s before it"
    yield ""
    yield from _committed(remains.last, people)
    since = remains.time - timedelta(seconds=remains.window) if remains.time else None
    if since and remains.untold and remains.untold >= since:
        yield ""
        yield f"There were many: those up to {_time(remains.untold)} are not told."
    if remains.unknown:
        yield from _section("Not known", remains.unknown)


def _lost(one: Transaction, people: Mapping[str, str]) -> Iterator[str]:
    who = _who(one.session, people) if one.session else "not known who"
    yield f"### Transaction {one.id}: {who}"
    yield ""
    ended = f" at {_time(one.ended)}" if one.ended else ""
    yield f"- {_ENDS.get(one.end, one.end)}{ended}"
    if one.state:
        yield f"- the session was: {_plain(one.state)}"
    parts = f", with its parts {', '.join(map(str, one.parts))}" if one.parts else ""
    yield f"- in {_plain(one.database)}, from {one.first} to {one.last}{parts}"
    for statement in one.statements:
        yield f"- it ran: {_plain(' '.join(statement.split()))}"
    if one.catalogs:
        yield "- it made, changed or dropped objects, which is undone"
    if not one.tables:
        yield "- it changed no row"
    for sentence in one.unknown:
        yield f"- not known: {_plain(sentence)}"
    for table in one.tables:
        yield ""
        yield f"{_plain(table.table)}: {_changes(table)}"
        yield ""
        shown = table.rows[:_SHOWN]
        if shown:
            yield from _table(
                ("row", "key", "without it, as recovered", "with it, as it would be"),
                [(row.did, _key(row), _values(row.before), _values(row.after)) for row in shown],
            )
        if len(table.rows) > _SHOWN:
            yield ""
            yield f"{len(table.rows) - _SHOWN} more rows are in the JSON report."
        if table.unknown:
            yield ""
            yield f"Not told one by one: {_plain(table.unknown)}"
    yield ""


def _committed(last: Sequence[Transaction], people: Mapping[str, str]) -> Iterator[str]:
    if not last:
        yield "Nothing."
        return
    rows = []
    for one in last:
        who = _who(one.session, people) if one.session else ""
        for table in one.tables:
            keys = ", ".join(_key(row) for row in table.rows[:_SHOWN] if row.key)
            more = " …" if table.count > len(table.rows[:_SHOWN]) else ""
            when = f"{one.ended:%H:%M:%S.%f}"[:12] if one.ended else ""
            what = (when, str(one.id), _plain(table.table), _changes(table), f"{keys}{more}", who)
            rows.append(what)
    yield from _table(("committed", "transaction", "table", "rows", "keys", "who"), rows)
    if any(one.session is None for one in last):
        yield ""
        yield "Whose a committed transaction was is known only where a line of the log names it."


def _check(check: Check) -> Iterator[str]:
    if not (check.rows or check.problem or check.remark):
        return
    yield ""
    yield f"### {_plain(check.name)}"
    yield ""
    if check.problem:
        yield f"Could not be run to its end: {_plain(check.problem)}"
        yield ""
    if check.remark:
        yield _plain(check.remark)
    if check.rows:
        names = tuple(dict.fromkeys(name for row in check.rows for name in row))
        values = [tuple(_value(row.get(name)) for name in names) for row in check.rows]
        yield from _table(tuple(map(_plain, names)), values)
        if check.count > len(check.rows):
            yield ""
            yield f"These are the first {len(check.rows)} of {_count(check)}."


def _section(title: str, sentences: Sequence[str]) -> Iterator[str]:
    yield ""
    yield f"### {title}"
    yield ""
    for sentence in sentences:
        yield f"- {_plain(sentence)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _changes(table: Touched) -> str:
    counts = ((table.inserted, "inserted"), (table.updated, "updated"), (table.deleted, "deleted"))
    return ", ".join(f"{count:,} {did}" for count, did in counts if count) or "changes"


def _count(check: Check) -> str:
    if check.state is State.FAILED and not check.count:
        return ""
    return f"{check.count:,}{' or more' if check.capped else ''}"


def _key(row: Row) -> str:
    return _values(row.key) or "it has no key"


def _values(values: Values) -> str:
    return ", ".join(f"{_plain(name)}={_value(value)}" for name, value in values.items())


def _value(value: str | None) -> str:
    return "NULL" if value is None else _plain(value)


def _who(session: Session, people: Mapping[str, str]) -> str:
    known = people.get(session.role)
    role = f"{session.role} ({known})" if known else session.role
    if session.person:
        role += f", opened by {session.person}"
    place = f"{session.address}:{session.port}" if session.port else session.address
    called = f" as '{session.application}'" if session.application else ""
    return _plain(f"{role}, {place}{called}")


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S.%f}"[:23] + " UTC"


def _plain(text: str) -> str:
    """Text that others chose: nothing in it is a mark, moves the cursor or ends the line."""
    line = "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
    return line.translate(_MEANT)
