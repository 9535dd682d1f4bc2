"""The database of a drill's application: made, filled, digested and read back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from strongroom.cluster.certificates import PERSON_LIFETIME
from strongroom.cluster.psql import options, own_pair
from strongroom.cluster.stack import sign_in
from strongroom.drill.cast import Cast
from strongroom.drill.forms import Form, Line
from strongroom.drill.journal import Journal
from strongroom.drill.queries import query
from strongroom.drill.scratch import Scratch
from strongroom.drill.verifying import Saved, Verdict, compare
from strongroom.tiers import APP_OWNER

# Bytes: an order with its lines and a page of attachments, indexes included.
_ORDER, _ATTACHMENT = 700, 2048
# Orders that are added in one statement.
_BATCH = 50_000

#: How many rows there are of what, and what is in them.
Digest = tuple[Any, ...]


class Shop:
    """The application's tables on a scratch stack."""

    def __init__(self, scratch: Scratch, cast: Cast) -> None:
        self._scratch = scratch
        self._cast = cast

    def conninfo(self, role: str, **more: str) -> str:
        """How a role signs in with a certificate, and finds the application's tables."""
        stack, database = self._scratch.stack, self._scratch.database
        pair = own_pair(stack, role, PERSON_LIFETIME)
        trusted = stack.authority.certificate
        parameters = sign_in(stack.primary, role, pair, trusted, database)
        path = sql.Identifier(self._cast.schema).as_string()
        more = {"connect_timeout": "2", "options": options({"search_path": path}), **more}
        return make_conninfo(**parameters, **more)

    def fill(self, size: int) -> int:
        """Make the tables and fill them up to a size.

        Args:
            size: bytes; a quarter of it orders, the rest attachments.

        Returns:
            bytes of the database.
        """
        with self._session(self._cast.migrator) as session:
            session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APP_OWNER)))
            session.execute(query("tables"))
            orders = max(size // 4 // _ORDER, 1)
            for first in range(1, orders + 1, _BATCH):
                last = min(first + _BATCH - 1, orders)
                session.execute(query("fill_orders"), {"first": first, "last": last})
            count = max(size * 3 // 4 // _ATTACHMENT, 1)
            session.execute(query("fill_attachments"), {"count": count})
            session.execute("ANALYZE")
        return int(self._one("SELECT pg_database_size(current_database())"))

    def position(self) -> str:
        """Where the primary's WAL ends now."""
        return str(self._one("SELECT pg_current_wal_lsn()::text"))

    def digest(self) -> Digest:
        """What was there before the application began."""
        with self._session(self._cast.application) as session:
            return session.execute(query("digest")).fetchone() or ()

    def verify(self, journal: Journal, before: Digest) -> Verdict:
        """Compare everything with what the application was told, and with an earlier digest."""
        with self._session(self._cast.application) as session:
            saved = [_saved(row) for row in session.execute(query("saved"))]
            strays = [form for (form,) in session.execute(query("strays"))]
            sums = [customer for (customer,) in session.execute(query("sums"))]
        return compare(journal, saved, strays, sums, history=self.digest() == before)

    def _one(self, question: str) -> Any:
        with self._session(self._cast.application) as session:
            row = session.execute(question.encode()).fetchone()
        return row[0] if row else None

    @contextmanager
    def _session(self, role: str) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.conninfo(role), autocommit=True) as session:
            session.execute("SET statement_timeout = 0")
            yield session


def _saved(row: tuple[Any, ...]) -> Saved:
    name, customer, note, total, lines = row
    found = json.loads(lines) if isinstance(lines, str) else lines
    return Saved(Form(name, customer, note, tuple(Line(**line) for line in found)), total)
