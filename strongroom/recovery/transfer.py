"""Moving a database from the recovered copy into the primary: dumped and restored side by side."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from strongroom.errors import StrongroomError
from strongroom.incident.events import RECOVERY
from strongroom.recovery import piping, properties
from strongroom.recovery.children import watch
from strongroom.recovery.piping import End
from strongroom.recovery.recovered import Recovered
from strongroom.tiers import ROOT

# More jobs than this gain nothing: the primary's disk is the limit then.
_MOST_JOBS = 8
_LONGEST_NAME = 63
_ARRIVING = "_recovering"

_TABLES = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class
    JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1
"""


@dataclass(frozen=True)
class Transfer:
    """From the copy to the primary.

    Attributes:
        recovered: the copy; it is running.
        primary: where to.
        database: what.
        note: told what is being worked on.
    """

    recovered: Recovered
    primary: Cluster
    database: str
    note: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where the dump lies."""
        return self.recovered.directory / "dump"

    @property
    def arriving(self) -> str:
        """What the database is called while only root can connect to it."""
        return arriving(self.database)

    def dump(self, *options: str) -> None:
        """Dump the database, whole or not at all.

        Args:
            options: of pg_dump. Without any, the rows of big tables are left out, which `restore`
                moves without a detour.
        """
        if not options:
            with self.recovered.root.connect(self.database) as here:
                options = tuple(f"--exclude-table-data={table.name}" for table in piping.big(here))
        new = self.recovered.fresh("dump")
        shutil.rmtree(self.folder, ignore_errors=True)
        tool = self.recovered.package.tool("pg_dump")
        watch(
            self.recovered.user,
            *(tool, "--format=directory", "--compress=none", f"--jobs={jobs()}", "--verbose"),
            *options,
            "--file",
            new,
            self.database,
            environment=signed_in(self.recovered.root),
            note=self.note,
        )
        new.rename(self.folder)

    def restore(self) -> None:
        """Make the database in the primary under another name, and compare it with the copy."""
        root = LocalRoot(self.primary)
        with root.connect() as there, self.recovered.root.connect() as here:
            properties.end_work(there, RECOVERY)
            drop(there, self.arriving)
            properties.make_roles(here, there, self.database)
            properties.create(here, there, self.database, self.arriving)
        self._restore_section("--section=pre-data")
        self._pipe()
        self._restore_section("--section=data", "--section=post-data", f"--jobs={jobs()}")
        with root.connect(self.arriving) as there:
            self.note("comparing every table")
            self.compare(there)
            self.note("gathering statistics for the planner")
            there.execute("ANALYZE")
        with root.connect() as there, self.recovered.root.connect() as here:
            properties.carry_over(here, there, self.database, self.arriving)

    def _restore_section(self, *options: str) -> None:
        tool = self.primary.package.tool("pg_restore")
        into = f"--dbname={self.arriving}"
        watch(
            self.primary.user,
            tool,
            *("--exit-on-error", "--verbose", *options, into),
            self.folder,
            environment=signed_in(LocalRoot(self.primary)),
            note=self.note,
        )

    def _pipe(self) -> None:
        with self.recovered.root.connect(self.database) as here:
            tables = piping.big(here)
        psql, user = self.primary.package.tool("psql"), self.primary.user
        ends = (
            End(psql, user, signed_in(self.recovered.root), self.database),
            End(psql, user, signed_in(LocalRoot(self.primary)), self.arriving),
        )
        piping.pipe_all(tables, *ends, jobs(), self.note)

    def compare(self, there: psycopg.Connection[Any]) -> None:
        """Raise `StrongroomError` unless every table has as many rows as in the copy."""
        with self.recovered.root.connect(self.database) as here:
            wrong = [
                f"{name}: {wanted} rows, {found} arrived"
                for (name, wanted), (_, found) in zip(counts(here), counts(there), strict=True)
                if wanted != found
            ]
        if wrong:
            raise StrongroomError(
                f"What was restored differs from what was recovered ({'; '.join(wrong[:5])}), so "
                f"{self.database} was not replaced. Look for what writes into {self.arriving}, and "
                "run `strongroom recover` again."
            )

    def exchange(self) -> str | None:
        """Give the new database its name, at once; what bore it is kept.

        Returns:
            what the one before is called now; None when there was none.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
        lost = f"{self.database[: _LONGEST_NAME - 21]}_lost_{stamp}"
        names = {"now": self.database, "lost": lost, "new": self.arriving}
        named = {key: sql.Identifier(name) for key, name in names.items()}
        with LocalRoot(self.primary).connect() as there:
            before = limit_of(there, self.database)
            if limit_of(there, self.arriving) is None:
                return None  # a run that was killed got as far as this
            if before is not None:
                _close(there, self.database, invalid=before == properties.INVALID)
            with there.transaction():
                if before is not None:
                    there.execute(sql.SQL("ALTER DATABASE {now} RENAME TO {lost}").format(**named))
                there.execute(sql.SQL("ALTER DATABASE {new} RENAME TO {now}").format(**named))
                there.execute(sql.SQL("ALTER DATABASE {now} CONNECTION LIMIT -1").format(**named))
        return lost if before is not None else None

    def clear(self) -> None:
        """End an unfinished restore and remove what it wrote."""
        with LocalRoot(self.primary).connect() as there:
            properties.end_work(there, RECOVERY)
            drop(there, self.arriving)

    def undo(self) -> Iterator[str]:
        """Remove what an unfinished run made in the primary; yields what was done."""
        with LocalRoot(self.primary).connect() as there:
            properties.end_work(there, RECOVERY)
            if limit_of(there, self.arriving) is not None:
                drop(there, self.arriving)
                yield f"the database {self.arriving} dropped"
            if limit_of(there, self.database) not in (None, properties.INVALID):
                there.execute(
                    sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(
                        sql.Identifier(self.database)
                    )
                )


def _close(there: psycopg.Connection[Any], database: str, *, invalid: bool) -> None:
    """Let nobody into a database any more; who is in it is thrown out."""
    if invalid:
        # ALTER DATABASE ends the session that tries it on an invalid one; it can only be renamed.
        query = "UPDATE pg_database SET datallowconn = false WHERE datname = %s"
        there.execute(query, [database])
        return
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false")
    there.execute(statement.format(sql.Identifier(database)))
    properties.end_sessions(there, database)


def arriving(database: str) -> str:
    """What a database is called until it is complete."""
    return f"{database[: _LONGEST_NAME - len(_ARRIVING)]}{_ARRIVING}"


def counts(connection: psycopg.Connection[Any]) -> list[tuple[str, int]]:
    """Every table with the number of its rows, by name."""
    names = [name for (name,) in connection.execute(_TABLES)]
    found = []
    for name in names:
        # format('%I.%I') quoted it already.
        row = connection.execute(f"SELECT count(*) FROM ONLY {name}".encode()).fetchone()  # noqa: S608
        found.append((name, row[0] if row else 0))
    return found


def drop(there: psycopg.Connection[Any], database: str) -> None:
    """Drop what an earlier run began, whoever is still connected; never a database of people."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    there.execute(statement.format(sql.Identifier(database)))


def limit_of(connection: psycopg.Connection[Any], database: str) -> int | None:
    """How many sessions a database admits, -2 when it is invalid; None when it is not there."""
    query = "SELECT datconnlimit FROM pg_database WHERE datname = %s"
    row = connection.execute(query, [database]).fetchone()
    return int(row[0]) if row else None


def jobs() -> int:
    """How many connections dump and restore side by side."""
    return min(os.cpu_count() or 1, _MOST_JOBS)


def signed_in(root: LocalRoot) -> dict[str, str]:
    """The environment by which a program acts as root, guards aside.

    Raises:
        StrongroomError: no sealed password works.
    """
    password = root.opening()
    if password is None:
        raise StrongroomError(
            f"Root cannot sign in to {root.where}, so nothing can be moved there. `make up` seals "
            "a new password; then run `strongroom recover` again."
        )
    return {
        "PGHOST": str(root.cluster.socket),
        "PGPORT": str(root.cluster.port),
        "PGUSER": ROOT,
        "PGPASSWORD": password.value,
        "PGAPPNAME": RECOVERY,
        # What is put back has its guards already; those that are there must not add theirs.
        "PGOPTIONS": "-c event_triggers=off -c maintenance_work_mem=256MB",
    }
