"""Who did what the WAL says: its transactions joined with the statements of the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from strongroom.incident.events import CutOff, Event, Kind, Session, Suspect
from strongroom.incident.likely import likely
from strongroom.incident.living import Last, Living
from strongroom.incident.log import Log, Presence, Statement, names, present
from strongroom.incident.statements import mentions_destruction
from strongroom.incident.wal import Deed
from strongroom.incident.waldump import lsn
from strongroom.tiers import ROOT

# How long before it sessions may have been ended to make way for it.
_MADE_WAY = timedelta(seconds=10)
_AFTERWARDS = timedelta(seconds=1)
# A DO block is what ran something else if it began this long before at most.
_AT_ONCE = timedelta(seconds=5)

_ENDS = ("commit", "end")
_UNSAID = (
    "no statement in the log explains it, and there only CREATE, ALTER and DROP are logged of "
    "services, and of nobody but root what functions and DO blocks run"
)


@dataclass
class Found:
    """What is known of who did one deed."""

    culprit: Suspect | None = None
    suspects: tuple[Suspect, ...] = ()
    named: tuple[str, ...] = ()
    began: datetime | None = None
    sources: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass
class Joining:
    """Joins deeds with the log; each statement answers for one transaction only.

    Attributes:
        log: what was read of it.
        living: what the server told.
        joined: statements that were found in the WAL, or in doubt with it.
    """

    log: Log
    living: Living
    joined: set[tuple[str, str]] = field(default_factory=set)

    def event(self, deed: Deed) -> Event:
        """The event a transaction of the WAL was; to be asked for the newest first."""
        found = self._found(deed)
        what, unnamed = self._what(deed, found)
        database = self._database(deed, found)
        return Event(
            kind=deed.kind,
            what=what,
            database=database,
            time=deed.time,
            culprit=found.culprit,
            suspects=found.suspects,
            transaction=deed.finish.transaction,
            timeline=deed.timeline,
            stop_lsn=lsn(deed.stop),
            commit_lsn=lsn(deed.finish.lsn),
            rows=sum(rows for _, rows in deed.rows) if deed.rows else None,
            cut_off=cut_off(
                self.log, deed.kind, database, found.began or deed.time, deed.time, found.culprit
            ),
            sources=(*found.sources, *deed.segments),
            unknown=(*found.unknown, *unnamed),
        )

    def is_open(self, said: Statement) -> bool:
        """Whether a statement that would have dropped a schema was not found in the WAL so far."""
        drops = any(action.does(Kind.SCHEMA) for action in said.actions)
        return drops and not said.failed and (said.session.id, said.virtual) not in self.joined

    def is_said(self, deed: Deed) -> bool:
        """Whether a statement that was not found in the WAL so far explains a deed."""
        return any(self._fits(said, deed) for said in self.log.statements)

    def _found(self, deed: Deed) -> Found:
        return self._said(deed) or self._last_ran(deed) or self._there(deed)

    def _said(self, deed: Deed) -> Found | None:
        """By a statement of the log."""
        fitting = [each for each in self.log.statements if self._fits(each, deed)]
        exact = [each for each in fitting if each.transaction in deed.finish.ids]
        fitting = exact or likely(fitting, deed, self.living)
        chosen = _latest_of_each(fitting)
        if not chosen:
            return None
        self.joined.update((each.session.id, each.virtual) for each in chosen)
        suspects = tuple(Suspect(each[-1].session, _together(each)) for each in _by_session(chosen))
        said = [name for each in chosen for name in _names(each, deed.kind)]
        files = {path for each in chosen if (path := self.log.file_of(each.at))}
        others = {each.virtual for each in fitting} - {each.virtual for each in chosen}
        found = Found(
            named=tuple(dict.fromkeys(said)),
            began=chosen[0].at,
            sources=names(sorted(files)),
        )
        if len(suspects) == 1:
            found.culprit = suspects[0]
            if others:
                why = "the session ran another one within the same millisecond"
                found.unknown = (f"Whether it was exactly this statement is not known: {why}.",)
        else:
            found.suspects = suspects
            why = "each ran such a statement at that time, and the log does not name transactions"
            found.unknown = (f"Which of {len(suspects)} sessions did it is not known: {why}.",)
        return found

    def _fits(self, said: Statement, deed: Deed) -> bool:
        if (said.session.id, said.virtual) in self.joined:
            return False
        if said.transaction is not None:
            return said.transaction in deed.finish.ids
        here = deed.kind is Kind.DATABASE or self._is_in(said.session, deed.database)
        does = any(action.does(deed.kind) for action in said.actions)
        return here and does and not said.failed and said.may_have_committed(deed.time)

    def _last_ran(self, deed: Deed) -> Found | None:
        """By what sessions that are still open ran last."""
        then = [
            each
            for each in self.living.last
            if each.began <= deed.time <= each.changed and self._is_in(each.session, deed.database)
        ]
        telling = [each for each in then if _tells(each)] or then
        if len(telling) != 1:
            return None
        one = telling[0]
        return Found(Suspect(one.session, one.statement), sources=("pg_stat_activity",))

    def _there(self, deed: Deed) -> Found:
        """By who was there."""
        path = self.log.file_of(deed.time)
        if path is None:
            return Found(unknown=(f"Who did it is not known: {self._no_log(deed.time)}.",))
        there = [one for one in present(self.log, deed.time) if self._may_be(one, deed)]
        blocks = [one for one in there if _is_block(one, deed.time)]
        if len(blocks) == 1:
            return Found(Suspect(blocks[0].session, blocks[0].statement), sources=(path.name,))
        # What others than root ran in functions is not in the log: another statement would mislead.
        suspects = tuple(Suspect(one.session, None) for one in there)
        if len(suspects) == 1:
            why = f"It is concluded from this being the only session open then; {_UNSAID}."
            return Found(suspects[0], sources=(path.name,), unknown=(why,))
        told = "every session open then is listed" if suspects else "no session was open then"
        why = f"Who did it is not known for certain: {_UNSAID}; {told}."
        return Found(suspects=suspects, sources=(path.name,), unknown=(why,))

    def _may_be(self, one: Presence, deed: Deed) -> bool:
        if not self._is_in(one.session, deed.database):
            return False
        # All that root runs is logged, so what it did not run it did not do.
        return one.session.role != ROOT or bool(one.statement and _is_block(one, deed.time))

    def _is_in(self, session: Session, database: int) -> bool:
        """Whether a session is in a database, as far as its name is known."""
        name = self.living.database(database)
        return name is None or session.database == name

    def _no_log(self, time: datetime) -> str:
        day = f"{time:%Y-%m-%d}"
        for path in self.log.files:
            if day in path.name and path in self.log.first:
                return f"the log of {day} begins only at {self.log.first[path]:%H:%M:%S} UTC"
        return f"the log of {day} is missing"

    def _database(self, deed: Deed, found: Found) -> str:
        if deed.kind is Kind.DATABASE:
            return ", ".join(found.named) or f"number {deed.database}"
        if living := self.living.database(deed.database):
            return living
        sessions = [
            one.session for one in (found.culprit, *found.suspects) if one and one.statement
        ]
        return sessions[0].database if sessions else f"number {deed.database}"

    def _what(self, deed: Deed, found: Found) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of what is lost, and what is unknown of them."""
        if found.named:
            return found.named, ()
        if deed.kind is Kind.DATABASE:
            numbers: tuple[str, ...] = (f"database number {deed.database}",)
        elif deed.kind is Kind.DELETE:
            by_file = self.living.files(deed.database, [number for number, _ in deed.rows])
            numbers = tuple(
                by_file.get(number) or f"file number {number}" for number, _ in deed.rows
            )
        else:
            known = self.living.tables(deed.database, deed.relations)
            numbers = known or tuple(f"relation number {oid}" for oid in deed.relations)
        if not any(" number " in each for each in numbers):
            return numbers, ()
        why = "The WAL holds numbers in place of names, and no statement of the log names them."
        return numbers, (why,)


def from_log(log: Log, said: Statement, why: str) -> Event:
    """The event a statement was whose time no WAL is there for.

    Args:
        log: where it was read.
        said: the statement.
        why: a sentence on which WAL is missing.
    """
    kind = min((action.kind for action in said.actions), key=list(Kind).index)
    what = _names(said, kind)
    database = ", ".join(what) if kind is Kind.DATABASE else said.session.database
    culprit = Suspect(said.session, said.text)
    path = log.file_of(said.at)
    ended = said.ended if kind is Kind.DATABASE and said.ended else said.at
    unknown = [
        f"The LSN to stop before is not known: {why}.",
        "Whether it was committed is not known for certain: the log has no error of it, no more.",
    ]
    if kind is Kind.DELETE:
        unknown.append("How many rows it deleted is not known: it has no WHERE.")
    return Event(
        kind=kind,
        what=what,
        database=database,
        time=said.at,
        culprit=culprit,
        transaction=said.transaction,
        cut_off=cut_off(log, kind, database, said.at, ended, culprit),
        sources=(path.name,) if path else (),
        unknown=tuple(unknown),
    )


def cut_off(
    log: Log,
    kind: Kind,
    database: str,
    began: datetime,
    ended: datetime,
    culprit: Suspect | None,
) -> tuple[CutOff, ...]:
    """Sessions that were ended for it: just before, and while a database was dropped."""
    # A server that is stopped after a table was dropped ends sessions as well.
    last = ended + _AFTERWARDS if kind is Kind.DATABASE else ended
    own = culprit.session.id if culprit else ""
    known = not database.startswith("number ")
    return tuple(
        cut
        for cut in log.cut_off
        if began - _MADE_WAY <= cut.at <= last
        and cut.session.id != own
        and (cut.session.database == database or not known)
    )


def _latest_of_each(fitting: Sequence[Statement]) -> list[Statement]:
    """Of each session the statements of its last transaction that fits."""
    last = {each.session.id: each.virtual for each in fitting}
    return [each for each in fitting if last[each.session.id] == each.virtual]


def _by_session(chosen: Sequence[Statement]) -> list[list[Statement]]:
    ids = dict.fromkeys(each.session.id for each in chosen)
    return [[each for each in chosen if each.session.id == id_] for id_ in ids]


def _together(said: Sequence[Statement]) -> str:
    return ";\n".join(each.text.strip().rstrip(";") for each in said)


def _names(said: Statement, kind: Kind) -> tuple[str, ...]:
    found = [name for action in said.actions if action.does(kind) for name in action.names]
    return tuple(dict.fromkeys(found))


def _tells(last: Last) -> bool:
    words = last.statement.strip().rstrip(";").lower()
    return mentions_destruction(last.statement) or words in _ENDS


def _is_block(one: Presence, time: datetime) -> bool:
    """Whether a session was in a DO block or a CALL that may have run it."""
    if one.statement is None or one.at is None or time - one.at > _AT_ONCE:
        return False
    head = one.statement.split(None, 1)[:1]
    return head in (["call"], ["CALL"]) or (
        head in (["do"], ["DO"]) and mentions_destruction(one.statement)
    )
