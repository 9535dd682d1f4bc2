"""What becomes of a role whose person has left, before it is dropped: nothing of theirs is lost.

First the role is refused and its sessions end, then in every database what it owns goes to
app_owner and its rights are taken, and then nothing keeps it from being dropped. Root does this,
because nobody else enters every database; run again after a kill, it goes on where it was.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from strongroom.bootstrap.borrowing import borrowed
from strongroom.bootstrap.root import Root
from strongroom.bootstrap.steps import sql_text
from strongroom.errors import StrongroomError
from strongroom.tiers import APP_OWNER, PROVISIONER

# Milliseconds to wait for a session to end.
_PATIENCE = 5000


@dataclass(frozen=True)
class Hanging:
    """What hangs on a role in one database.

    Attributes:
        database: its name; None for what is in no database, such as the right to enter one.
        owned: how many objects the role owns there.
        rights: on how many objects it has a right, default privileges included.
        enterable: whether anybody can enter the database.
    """

    database: str | None
    owned: int
    rights: int
    enterable: bool


@dataclass(frozen=True)
class Outlook:
    """What a role would leave behind.

    Attributes:
        sessions: how many it has open.
        hanging: by database.
        prepared: transactions it prepared and nobody ended, as 'name' in database.
    """

    sessions: int
    hanging: tuple[Hanging, ...]
    prepared: tuple[str, ...]

    def told(self) -> str:
        """In words, for a review."""
        sentences = ["signing in is refused"]
        if self.sessions:
            sentences.append(f"{_count(self.sessions, 'open session')} ended")
        sentences += [
            f"{_count(each.owned, 'object')} in {each.database} given to {APP_OWNER}"
            for each in self.hanging
            if each.owned and each.enterable
        ]
        if rights := sum(each.rights for each in self.hanging):
            sentences.append(f"rights on {_count(rights, 'object')} taken")
        return ", ".join([*sentences, "the role dropped", *self.obstacles])

    @property
    def obstacles(self) -> list[str]:
        """What keeps the role from being dropped, and only a person can decide."""
        closed = [each for each in self.hanging if not each.enterable]
        return [
            *(f"but NOT what it has in {each.database}, which nobody can enter" for each in closed),
            *(f"but NOT its prepared transaction {each}" for each in self.prepared),
        ]


def outlook(root: Root, role: str) -> Outlook | None:
    """Look at what a role would leave behind; None when there is no such role.

    Raises:
        StrongroomError: root cannot sign in.
    """
    with root.connect() as session:
        if not _exists(session, role):
            return None
        return _outlook(session, role)


def retire(root: Root, role: str) -> Outlook | None:
    """Make a role ready to be dropped, in an order that leaves it nothing at any moment.

    What others were granted on the role's own objects stays. What the role handed on by a grant
    option ends with it: no roster knows of it.

    Args:
        root: a superuser, or the master of an RDS instance.
        role: whose person has left.

    Returns:
        what there was; None when there is no such role.

    Raises:
        StrongroomError: something hangs on it that only a person can decide on, or PostgreSQL
            refused a step. The role is refused and its sessions have ended all the same.
    """
    try:
        return _retire(root, role)
    except psycopg.Error as error:
        raise StrongroomError(
            f"What {role} leaves behind was not all put in other hands: "
            f"{' '.join(str(error).split())}. The role is kept, and nothing is lost. Mend the "
            "cause, such as a session that holds a lock, and run `pulumi up` again."
        ) from error


def _retire(root: Root, role: str) -> Outlook | None:
    with root.connect() as session:
        if not _exists(session, role):
            return None
        found = _outlook(session, role)
        session.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
        session.execute(
            "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE usename = %s",
            [_PATIENCE, role],
        )
        names = [each.database for each in found.hanging if each.database and each.enterable]
        here = session.info.dbname
    if found.prepared:
        raise StrongroomError(
            f"{role} left prepared transactions ({', '.join(found.prepared)}) that hold changes "
            "nobody else can decide on, so the role is kept; it is refused already. COMMIT "
            "PREPARED or ROLLBACK PREPARED each as root, and run `pulumi up` again."
        )
    # What is in no database is dealt with in any.
    for name in names or [here]:
        # Who may manage the leaver, and whoever else granted it something, is the provisioner.
        with root.connect(name) as session, borrowed(session, PROVISIONER):
            _hand_over(session, role)
    with root.connect() as session:
        left = _outlook(session, role).hanging
    if left:
        places = ", ".join(sorted({each.database or "the cluster" for each in left}))
        raise StrongroomError(
            f"{role} still owns something, or was granted something, in {places}, which root of "
            f"{root.where} cannot enter or change, so the role is kept; it is refused already. "
            "Whoever can has to REASSIGN OWNED and DROP OWNED there; then run `pulumi up` again."
        )
    return found


def _hand_over(session: psycopg.Connection[Any], role: str) -> None:
    """Everything in one database, in its transaction."""
    leaver, heir = sql.Identifier(role), sql.Identifier(APP_OWNER)
    with borrowed(session, role):
        session.execute(sql.SQL(sql_text("disarm")).format(role=sql.Literal(role)))
        session.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(leaver, heir))
        # Nothing is owned any more; what is left are rights, which only this takes completely.
        session.execute("SET LOCAL strongroom.confirm = 'drop owned'")
        session.execute(sql.SQL("DROP OWNED BY {}").format(leaver))
    rows = session.execute(sql_text("still_granted"), {"role": role}).fetchall()
    for what, grantor in rows:
        with borrowed(session, grantor) if grantor else nullcontext():
            if grantor:
                session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor)))
            session.execute(f"REVOKE {what}".encode())
            session.execute("RESET ROLE")


def _exists(session: psycopg.Connection[Any], role: str) -> bool:
    query = "SELECT count(*) FROM pg_roles WHERE rolname = %s"
    return session.execute(query, [role]).fetchone() == (1,)


def _outlook(session: psycopg.Connection[Any], role: str) -> Outlook:
    rows = session.execute(sql_text("outlook"), {"role": role}).fetchall()
    open_query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
    row = session.execute(open_query, [role]).fetchone()
    prepared = session.execute(
        "SELECT format('%%L in %%s', gid, database) FROM pg_prepared_xacts WHERE owner = %s", [role]
    )
    return Outlook(
        sessions=row[0] if row else 0,
        hanging=tuple(Hanging(*each) for each in rows),
        prepared=tuple(each for (each,) in prepared),
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
