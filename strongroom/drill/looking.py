"""What a restore drill looks at once the copy serves: how far it came, every row, every check."""

from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

from psycopg import sql

from strongroom.cluster.vault import Snapshot, Vault, first_lsn, missing, position
from strongroom.drill.queries import query
from strongroom.errors import StrongroomError
from strongroom.reconcile.checks import State, run
from strongroom.recovery.recovered import Recovered

# Seconds one query of a check may take.
_TIMEOUT = 3600


def reached(copy: Recovered, snapshot: Snapshot) -> str:
    """Where the WAL ended, as PostgreSQL notes it when it begins a timeline of its own."""
    histories = sorted((copy.data / "pg_wal").glob("*.history"))
    lines = histories[-1].read_text().splitlines() if histories else []
    found = [line.split() for line in lines if line and not line.startswith("#")]
    return found[-1][1] if found else snapshot.end_lsn


def refuse_gap(vault: Vault, snapshot: Snapshot, end: str) -> None:
    """Raise `StrongroomError` when the archive holds more than what could be replayed."""
    archived = sorted(
        path.name for path in vault.wal(snapshot.system).glob("?" * 24) if _is_segment(path.name)
    )
    if not archived:
        return
    timeline, last = int(archived[-1][:8], 16), first_lsn(archived[-1])
    if position(end) >= position(last):
        return
    lacking = missing(vault.wal(snapshot.system), timeline, end, last)
    raise StrongroomError(
        f"Snapshot {snapshot.name} was restored, but its WAL ends at {end}, while the archive "
        f"goes on to {archived[-1]}: {lacking[0] if lacking else 'a segment'} is missing or "
        "spoilt, so everything committed after that would be lost with the primary. Take a full "
        "snapshot now (`strongroom snapshot take --full`), and look at the disk of the vault."
    )


def _is_segment(name: str) -> bool:
    return all(letter in "0123456789ABCDEF" for letter in name)


def read(copy: Recovered, database: str) -> tuple[str | None, int, int]:
    """The newest commit, and how many rows there are: all of them are read."""
    with copy.root.connect(database) as session:
        row = session.execute("SELECT pg_last_xact_replay_timestamp()").fetchone()
        newest = row[0].astimezone(UTC).isoformat() if row and row[0] else None
        tables = session.execute(query("tables_there")).fetchall()
        rows = 0
        for schema, name in tables:
            counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
            found = session.execute(counted).fetchone()
            rows += int(found[0]) if found else 0
    return newest, len(tables), rows


def refuse_findings(copy: Recovered, database: str, files: Iterable[Path]) -> None:
    """Raise `StrongroomError` when a check, built in or the team's own, is not clean."""
    checks = run(copy.root, database, files, _TIMEOUT)
    wrong = [each for each in checks if each.state is not State.CLEAN]
    if wrong:
        told = "; ".join(
            f"{each.name}: {each.problem or f'{each.count} rows'} ({each.about})" for each in wrong
        )
        raise StrongroomError(
            f"What was restored serves, but not all of its checks are clean: {told}. `strongroom "
            "reconcile` says whether the primary has the same."
        )
