"""Find destructive events, given nothing but a cluster's folder and its vault."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import system_identifier
from strongroom.cluster.vault import SEGMENT, Vault
from strongroom.errors import StrongroomError
from strongroom.incident import log as logs
from strongroom.incident import segments
from strongroom.incident.events import Event, Findings
from strongroom.incident.halfway import halfway
from strongroom.incident.joining import Joining, from_log
from strongroom.incident.living import Living
from strongroom.incident.log import Log, Statement
from strongroom.incident.segments import Run
from strongroom.incident.wal import Deed, Search
from strongroom.incident.waldump import Dump

#: Deleted rows that make a mass delete.
MASS = 1000


@dataclass(frozen=True)
class _Covered:
    """The time a run of WAL tells of (UTC), both ends included."""

    first: datetime
    last: datetime


def find(
    cluster: Cluster, vault: Vault, since: datetime, *, every: bool = False, least: int = MASS
) -> Findings:
    """Find what was destroyed.

    Args:
        cluster: the server; it may be stopped, and its data may be gone.
        vault: where its WAL is archived; it need not exist.
        since: how far back to look (UTC).
        every: all events instead of the latest.
        least: deleted rows in one transaction that make a mass delete, 1 or more.

    Raises:
        StrongroomError: a log or a segment that is there cannot be read.
    """
    log = logs.read(cluster.log, since)
    # The archive first: the server may give a segment of its own another name meanwhile.
    runs = segments.runs([*_archive(cluster, vault), cluster.data / "pg_wal"])
    with segments.gathered(runs, cluster.user) as folder:
        tool = cluster.package.tool("pg_waldump")
        searches = [
            Search(
                Dump(tool, cluster.user, folder, run.timeline, run.end), run, cluster.data, least
            )
            for run in runs
        ]
        joining = Joining(log, Living.ask(cluster))
        events = list(_events(searches, joining, since, every=every))
        older = since if every else max((event.time for event in events), default=since)
        events += [joining.event(deed) for deed in _schemas(searches, older, joining)]
        events += halfway(searches, joining, since)
        covered = [found for number, one in enumerate(searches) if (found := _covered(one, number))]
    events += [
        from_log(log, said, _why_no_wal(runs, covered, said.at))
        for said in log.statements
        if said.at >= since and not said.session.recovers and _untold(said, covered, joining)
    ]
    events.sort(key=lambda event: event.time, reverse=True)
    return Findings(
        events=tuple(events if every else events[:1]),
        since=since,
        log=logs.names(log.files),
        wal=tuple(f"{run.segments[0].name}..{run.segments[-1].name}" for run in runs),
        unknown=tuple(_unseen(log, runs, covered, since)),
    )


def _archive(cluster: Cluster, vault: Vault) -> list[Path]:
    """The archive of this cluster; when its data is gone, the one that was written to last."""
    try:
        return [vault.wal(system_identifier(cluster))]
    except StrongroomError:
        folders = sorted((vault.folder / "wal").glob("*/"), key=lambda each: each.stat().st_mtime)
        return folders[-1:]


def _events(
    searches: Sequence[Search], joining: Joining, since: datetime, *, every: bool
) -> Iterator[Event]:
    """What the WAL tells, the newest first; the newest stretch that tells of harm is enough."""
    seen: set[tuple[int, int]] = set()
    for search in searches:
        with closing(search.deeds(since)) as stretches:
            for stretch in stretches:
                # A new timeline begins with a copy of the end of the old one.
                new = [
                    deed
                    for deed in stretch
                    if deed.time >= since and (deed.finish.lsn, deed.finish.transaction) not in seen
                ]
                seen.update((deed.finish.lsn, deed.finish.transaction) for deed in new)
                harm = [event for event in map(joining.event, new) if not event.harmless]
                yield from harm
                if harm and not every:
                    return


def _schemas(searches: Sequence[Search], since: datetime, joining: Joining) -> Iterator[Deed]:
    """Drops of schemas without tables; looked for only when a statement was not found so far."""
    if not any(joining.is_open(said) for said in joining.log.statements if said.at >= since):
        return
    for search in searches:
        for deed in search.schemas(since):
            if deed.time >= since and joining.is_said(deed):
                yield deed


def _covered(search: Search, number: int) -> _Covered | None:
    """The time a run tells of; the first run, which was written to last, goes on until now."""
    run = search.run
    first = search.dump.first_finish(run.start, run.end)
    if first is None:
        return None
    if number == 0:
        return _Covered(first.time, datetime.now(UTC))
    last = search.dump.last_finish(run.segments[-1].number * SEGMENT, run.end)
    return _Covered(first.time, last.time if last else first.time)


def _untold(said: Statement, covered: Sequence[_Covered], joining: Joining) -> bool:
    """Whether a statement may have destroyed something in a time of which there is no WAL.

    Where there is WAL and it tells nothing, the statement was rolled back or found nothing.
    """
    if said.failed or (said.session.id, said.virtual) in joining.joined:
        return False
    whole = any(action.whole for action in said.actions)
    return whole and not any(each.first <= said.at <= each.last for each in covered)


def _why_no_wal(runs: Sequence[Run], covered: Sequence[_Covered], time: datetime) -> str:
    if not runs:
        return "there is no WAL, neither in pg_wal nor in the archive"
    for first, last in segments.gaps(runs):
        if any(each.last < time for each in covered):
            return f"the segments {first}..{last} are neither in pg_wal nor in the archive"
    oldest = min(runs, key=lambda run: (run.timeline, run.start)).segments[0].name
    return f"the segments before {oldest} are neither in pg_wal nor in the archive"


def _unseen(
    log: Log, runs: Sequence[Run], covered: Sequence[_Covered], since: datetime
) -> Iterator[str]:
    if not log.files:
        yield "There is no log of that time, so nobody can be named."
    if not runs:
        yield "There is no WAL, neither in pg_wal nor in the archive: only the log tells."
    for first, last in segments.gaps(runs):
        yield (
            f"The segments {first}..{last} are neither in pg_wal nor in the archive: what only "
            "they told of (TRUNCATE, mass deletes, DO blocks) is not seen."
        )
    begins = min((each.first for each in covered), default=None)
    oldest = min((run.segments[0].number for run in runs), default=0)
    if begins is not None and begins > since and oldest > 1:
        yield (
            f"The WAL before {begins:%Y-%m-%d %H:%M:%S} UTC is neither in pg_wal nor in the "
            "archive: of the time before, only what is in the log is seen."
        )
