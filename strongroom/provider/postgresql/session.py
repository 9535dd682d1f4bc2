"""Sessions with the server: one for each database, one operation at a time.

Roles, memberships and rights live in shared catalogs, and PostgreSQL answers two changes of one
row at a time with an error. So operations queue here, each is one transaction that waits for
locks only so long, and what fails only because somebody else was at it too is tried again.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
    wait_random_exponential,
)

from strongroom import reach
from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.failures import refused, undecided, unreachable
from strongroom.provider.postgresql.settings import Settings

T = TypeVar("T")
Row = dict[str, Any]
Statement = sql.SQL | sql.Composed

#: Memberships have had options and a grantor each since 16 (release notes, E.1.3.5 "Privileges").
OLDEST_SERVER = 160000

#: Seconds that an operation waits for a lock, and for one statement.
LOCK_TIMEOUT = 10.0
STATEMENT_TIMEOUT = 120.0

#: Seconds that a server which was there a moment ago is given to restart.
RESTART = 20.0

_ATTEMPTS = 8


class _LostError(Exception):
    """The session ended under an operation that had not begun to commit."""


class Work:
    """One transaction.

    Attributes:
        version: the server's version as libpq counts it: 170010 is 17.10.
        warnings: what the server warned of during this transaction.
    """

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self.version = connection.info.server_version
        self.warnings: list[str] = []

    def do(self, statement: Statement) -> None:
        """Run a statement that returns nothing."""
        self._connection.execute(statement)

    def rows(self, query: Statement, values: Mapping[str, Any]) -> list[Row]:
        """Run a query and fetch all it returns."""
        return self._connection.execute(query, values).fetchall()


class Session:
    """The way of all resources into the server.

    Attributes:
        settings: how to sign in; None while the engine does not know that yet.
    """

    def __init__(
        self, settings: Settings | None = None, lock_timeout: float = LOCK_TIMEOUT
    ) -> None:
        """Connects to nothing yet.

        Args:
            settings: how to sign in, if known.
            lock_timeout: seconds an operation waits for a lock.
        """
        self.settings = settings
        self._lock_timeout = lock_timeout
        self._connections: dict[str, psycopg.Connection[Row]] = {}
        self._busy = threading.Lock()

    @property
    def database(self) -> str:
        """The database the provider names: where roles are managed from."""
        return self._known().default_database

    def run(self, doing: str, work: Callable[[Work], T], database: str | None = None) -> T:
        """Do `work` in one transaction, all of it or nothing.

        Args:
            doing: what is done, for errors: ``create role ada``.
            work: is called with the transaction, more than once when it has to be repeated.
            database: where; None takes the provider's own.

        Raises:
            StrongroomError: it could not be done; nothing was changed.
            NoDatabaseError: there is no such database.
        """
        return self._repeat(doing, database, lambda connection: _transaction(connection, work))

    def rows(
        self,
        doing: str,
        query: Statement,
        values: Mapping[str, Any],
        database: str | None = None,
    ) -> list[Row]:
        """Run a single query, outside any transaction: one round trip.

        Raises:
            StrongroomError: it could not be read.
            NoDatabaseError: there is no such database.
        """
        return self._repeat(
            doing, database, lambda connection: connection.execute(query, values).fetchall()
        )

    def close(self) -> None:
        """End every session."""
        with self._busy:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()

    def _known(self) -> Settings:
        if self.settings is None:
            raise StrongroomError(
                "The postgresql provider's settings are not known yet, so nothing can be looked "
                "up or changed. They are outputs of a resource that is still to be made: run "
                "`pulumi up`, which makes it first."
            )
        return self.settings

    def _repeat(
        self,
        doing: str,
        database: str | None,
        operation: Callable[[psycopg.Connection[Row]], T],
    ) -> T:
        place = database or self.database
        where = self._where(place)
        attempts = Retrying(
            retry=_worth_repeating,
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            reraise=True,
        )
        with self._busy:
            try:
                return attempts(lambda: self._once(place, operation))
            except _LostError as lost:
                raise unreachable(doing, _cause(lost), where) from lost
            except _UndecidedError as lost:
                raise undecided(doing, where) from lost
            except psycopg.Error as error:
                if _no_database(error, place):
                    raise NoDatabaseError(place, str(refused(doing, error, where))) from error
                raise refused(doing, error, where) from error

    def _once(self, database: str, operation: Callable[[psycopg.Connection[Row]], T]) -> T:
        connection = self._connection(database)
        try:
            return operation(connection)
        except psycopg.OperationalError as error:
            if not connection.closed:
                raise
            raise _LostError from error

    def _connection(self, database: str) -> psycopg.Connection[Row]:
        known = self._connections.get(database)
        if known and not known.closed:
            return known
        starting = Retrying(
            retry=retry_if_exception(_restarting if known else _starting),
            stop=stop_after_delay(RESTART),
            wait=wait_fixed(0.25),
            reraise=True,
        )
        try:
            connection = starting(self._connect, database)
        except psycopg.OperationalError:
            # Waited for once; the operations that queue behind this one need not wait again.
            self._connections.pop(database, None)
            raise
        if connection.info.server_version < OLDEST_SERVER:
            release = connection.info.server_version // 10000
            connection.close()
            raise StrongroomError(
                f"{self._where(database)} is PostgreSQL {release}, where memberships have "
                "neither options nor a grantor each, so rights could not be verified there. "
                "Upgrade it to 16 or later, or use the official plugin."
            )
        self._connections[database] = connection
        return connection

    def _connect(self, database: str) -> psycopg.Connection[Row]:
        # The search path is empty so that no function of an engineer's can stand in for one of
        # PostgreSQL's while the provisioner calls it.
        options = {
            "lock_timeout": f"{self._lock_timeout:.3f}s",
            "statement_timeout": f"{STATEMENT_TIMEOUT:.0f}s",
            "search_path": "",
            "datestyle": "ISO",
        }
        return reach.connect(
            self._known().parameters(database),
            application_name="strongroom",
            client_encoding="utf8",
            options=" ".join(f"-c {name}={value}" for name, value in options.items()),
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            autocommit=True,
            row_factory=dict_row,
        )

    def _where(self, database: str) -> str:
        values = self._known().parameters(database)
        host, port = values.get("host", "the default host"), values.get("port", 5432)
        return f"database {database} at {host}:{port} as {values['user']}"


class NoDatabaseError(StrongroomError):
    """A database that is not there: for a resource in it, the resource is gone."""

    def __init__(self, database: str, told: str) -> None:
        self.database = database
        super().__init__(told)


class _UndecidedError(Exception):
    """The session ended while its transaction was being committed."""


def _transaction(connection: psycopg.Connection[Row], work: Callable[[Work], T]) -> T:
    here = Work(connection)

    def warned(diagnosis: psycopg.errors.Diagnostic) -> None:
        if diagnosis.severity_nonlocalized == "WARNING":
            here.warnings.append(diagnosis.message_primary or "")

    connection.add_notice_handler(warned)
    done = False
    try:
        with connection.transaction():
            result = work(here)
            done = True
    except psycopg.OperationalError as error:
        if done and connection.closed:
            raise _UndecidedError from error
        raise
    finally:
        connection.remove_notice_handler(warned)
    return result


def _worth_repeating(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _LostError):
        return state.attempt_number == 1
    if isinstance(error, errors.InternalError_):
        return "concurrently" in str(error)
    return isinstance(
        error, (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
    )


def _starting(error: BaseException) -> bool:
    return isinstance(error, psycopg.OperationalError) and "starting up" in str(error)


def _restarting(error: BaseException) -> bool:
    words = ("starting up", "shutting down", "refused", "No such file", "closed the connection")
    return isinstance(error, psycopg.OperationalError) and any(word in str(error) for word in words)


def _no_database(error: psycopg.Error, database: str) -> bool:
    return f'database "{database}" does not exist' in str(error)


def _cause(lost: _LostError) -> psycopg.Error:
    return lost.__cause__ if isinstance(lost.__cause__, psycopg.Error) else psycopg.Error(str(lost))
