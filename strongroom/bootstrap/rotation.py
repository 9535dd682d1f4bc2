"""Giving root another password: the four steps of a Secrets Manager rotation function.

One piece of code for both stores. Each step can be run again, and a run can be killed between any
two of them or within one: at every moment one of the sealed values opens the server.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from strongroom.bootstrap.root import Root
from strongroom.bootstrap.scram import verifier
from strongroom.bootstrap.sealed import SealedPassword
from strongroom.errors import StrongroomError


@dataclass(frozen=True)
class Rotation:
    """The change of one root's password."""

    root: Root

    def run(self) -> datetime:
        """All four steps.

        Returns:
            when the new password came into use.

        Raises:
            StrongroomError: root cannot sign in, or the new password did not work.
        """
        self.create()
        self.set()
        self.test()
        return self.finish().since

    def create(self) -> SealedPassword:
        """Seal a new random password as the pending one; one that waits already is kept."""
        return self.root.sealed.begin()

    def set(self) -> None:
        """Give the server the pending password's verifier, and prove it.

        Neither the server's log nor its statistics see the value. The session that set it stays
        open until the new password has opened another; if it does not, the same session puts the
        previous one back.

        Raises:
            StrongroomError: no password is pending, or it does not work.
        """
        pending = self._pending()
        with self.root.connect() as session:
            _set(session, pending)
            try:
                self.root.sign_in(pending).close()
            except psycopg.Error as error:
                if previous := self.root.sealed.current():
                    _set(session, previous)
                raise StrongroomError(
                    f"Root's new password did not open {self.root.where} "
                    f"({' '.join(str(error).split())}), so the previous one was put back and "
                    "stays in use. Mend the cause and rotate again."
                ) from error

    def test(self) -> None:
        """Sign in with the pending password.

        Raises:
            StrongroomError: it does not work.
        """
        try:
            self.root.sign_in(self._pending()).close()
        except psycopg.Error as error:
            raise StrongroomError(
                f"Root's pending password does not open {self.root.where}: "
                f"{' '.join(str(error).split())}. The rotation is not finished and the previous "
                "password is kept sealed; mend the cause and rotate again."
            ) from error

    def finish(self) -> SealedPassword:
        """Make the pending password the current one."""
        return self.root.sealed.finish()

    def _pending(self) -> SealedPassword:
        pending = self.root.sealed.pending()
        if pending is None:
            raise StrongroomError(
                f"No new password waits for root of {self.root.where}, so there is nothing to set "
                "or to test. A rotation begins with its first step, create."
            )
        return pending


def _set(session: psycopg.Connection[object], password: SealedPassword) -> None:
    # CURRENT_USER: whatever the master is called, and nobody else by mistake.
    statement = sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}")
    session.execute(statement.format(sql.Literal(verifier(password.value))))
