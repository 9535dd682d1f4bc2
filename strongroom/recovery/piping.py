"""Big tables on their way from one server to another, without a dump in between.

Rows go straight from one COPY into the other, several tables side by side, and arrive frozen: they
are written once, where an ordinary restore is written a second time when it is first read.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from strongroom.recovery.children import starting

#: What is smaller than this goes with the dump; bytes.
BIG = 8 * 1024 * 1024

# Tables of extensions are made, and partly filled, by CREATE EXTENSION.
_TABLES = """
    SELECT nspname::text, relname::text, pg_table_size(c.oid),
           array(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 ORDER BY attnum)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence = 'p' AND pg_table_size(c.oid) >= %s
      AND nspname !~ '^pg_' AND nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    ORDER BY 3 DESC
"""


@dataclass(frozen=True)
class Table:
    """A table whose rows are piped.

    Attributes:
        name: quoted where it has to be, with its schema.
        size: bytes.
        columns: those that are stored, quoted and parted by commas.
    """

    name: str
    size: int
    columns: str


@dataclass(frozen=True)
class End:
    """One of the two servers.

    Attributes:
        psql: its client.
        user: who runs that.
        environment: how it signs in.
        database: where to.
    """

    psql: Path
    user: SystemUser
    environment: Mapping[str, str]
    database: str

    def command(self, *statements: str) -> dict[str, Any]:
        """How to start a client that runs some statements as one transaction."""
        options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction")
        each = (part for statement in statements for part in ("--command", statement))
        command = [str(self.psql), *options, f"--dbname={self.database}", *each]
        return starting(self.user, command, self.environment)


def big(here: psycopg.Connection[Any]) -> list[Table]:
    """The tables that are worth it, the biggest first."""
    return [
        Table(
            sql.Identifier(schema, name).as_string(here),
            size,
            ", ".join(sql.Identifier(column).as_string(here) for column in columns),
        )
        for schema, name, size, columns in here.execute(_TABLES, [BIG])
        if columns
    ]


def pipe_all(
    tables: Sequence[Table], here: End, there: End, jobs: int, note: Callable[[str], None]
) -> None:
    """Pipe the rows of all tables, `jobs` at a time; whatever the target held of them goes.

    Raises:
        StrongroomError: one did not arrive.
    """
    arrived = 0
    whole = sum(table.size for table in tables) or 1
    with ThreadPoolExecutor(jobs) as pool:
        for table in pool.map(lambda table: _pipe(table, here, there), tables):
            arrived += table.size
            note(f"{arrived / 1e6:,.0f} of {whole / 1e6:,.0f} MB, {table.name}")


def _pipe(table: Table, here: End, there: End) -> Table:
    what = f"{table.name} ({table.columns})"
    reads = here.command(f"COPY {what} TO STDOUT (FORMAT binary)")
    writes = there.command(
        f"TRUNCATE ONLY {table.name}", f"COPY {what} FROM STDIN (FORMAT binary, FREEZE)"
    )
    with (
        subprocess.Popen(**reads, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader,
        subprocess.Popen(**writes, stdin=reader.stdout, stderr=subprocess.PIPE) as writer,
    ):
        try:
            if reader.stdout:
                reader.stdout.close()  # only the writer holds it now, so that its end is noticed
            wrote = writer.communicate()[1]
            read = reader.communicate()[1]
        except BaseException:
            for process in (reader, writer):
                with suppress(ProcessLookupError):
                    process.kill()
            raise
    said = " ".join((read + wrote).decode(errors="replace").split())
    if reader.returncode != 0 or writer.returncode != 0:
        raise StrongroomError(
            f"The rows of {table.name} could not be moved: {said}. What arrived is not used and "
            "the source is untouched. Mend the cause and run `strongroom recover` again."
        )
    return table
