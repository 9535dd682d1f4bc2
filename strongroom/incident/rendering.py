"""An incident as people read it."""

from collections.abc import Iterator

from strongroom.incident.events import CutOff, Event, Session, Suspect

_WIDTH = 13
# Characters of a statement that are shown; --json has all of it.
_LONGEST = 2000


def rendered(event: Event) -> str:
    """A few lines, one for each thing that is known and each that cannot be known."""
    what = ", ".join(event.what) or "nothing that has a name"
    lines = [f"{event.kind}: {_printable(what)}"]
    lines += [f"  {label:{_WIDTH}}{_printable(text)}" for label, text in _lines(event)]
    return "\n".join(lines)


def _lines(event: Event) -> Iterator[tuple[str, str]]:
    yield "when", f"{event.time:%Y-%m-%d %H:%M:%S.%f} UTC"
    if event.what != (event.database,):
        yield "database", event.database
    if event.rows is not None:
        yield "rows", f"{event.rows:,}"
    yield from _who(event)
    if event.commit_lsn:
        where = f"{event.transaction}, committed at {event.commit_lsn}, timeline {event.timeline}"
        yield "transaction", where
        yield "recover to", f"just before {event.stop_lsn}"
    for cut in event.cut_off:
        yield "cut off", _cut(cut)
    yield "told by", ", ".join(event.sources) or "nothing"
    for sentence in event.unknown:
        yield "not known", sentence


def _who(event: Event) -> Iterator[tuple[str, str]]:
    if event.culprit is not None:
        yield "who", _role(event.culprit.session)
        yield "from", _place(event.culprit.session)
        yield from _statement(event.culprit)
        return
    yield "who", "not known"
    for suspect in event.suspects:
        yield "perhaps", f"{_role(suspect.session)}, {_place(suspect.session)}"
        yield from _statement(suspect)


def _statement(suspect: Suspect) -> Iterator[tuple[str, str]]:
    if suspect.statement is None:
        yield "statement", "not in the log"
    else:
        text = " ".join(suspect.statement.split())
        cut = f"{text[:_LONGEST]} …" if len(text) > _LONGEST else text
        yield "statement", cut


def _role(session: Session) -> str:
    return f"{session.role}, opened by {session.person}" if session.person else session.role


def _place(session: Session) -> str:
    address = f"{session.address}:{session.port}" if session.port else session.address
    called = f" as {session.application!r}" if session.application else ""
    return f"{address}{called}, session {session.id} in {session.database}"


def _cut(cut: CutOff) -> str:
    lost = f", transaction {cut.transaction} lost" if cut.transaction else ""
    return f"{_role(cut.session)}, {_place(cut.session)}, {cut.state}{lost}"


def _printable(text: str) -> str:
    """Without what could move the cursor: others chose these words."""
    return "".join(each if each.isprintable() else "?" for each in text)
