"""What a server tells of its WAL archive; any role may ask."""

from typing import Any, LiteralString

#: Asked of the server; `problem` reads the answer.
QUERY: LiteralString = """
    SELECT current_setting('archive_mode') = 'on',
           last_failed_wal, last_failed_time::timestamptz(0)::text,
           last_failed_time > coalesce(last_archived_time, '-infinity')
    FROM pg_stat_archiver
"""


def problem(row: tuple[Any, ...] | None) -> str | None:
    """What is wrong with the archive; None when it is as it should be."""
    if row is None or not row[0]:
        return "the server archives no WAL"
    if row[3]:
        return f"archiving fails since {row[2]}, at {row[1]}; the server's log says why"
    return None
