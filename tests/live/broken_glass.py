"""What tests of break-glass ask again and again."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from strongroom.breakglass.glass import Glass, Kind
from strongroom.breakglass.opening import Access, opened
from strongroom.breakglass.record import Entry, Record
from tests.live.local_stack import LocalStack

#: What nobody is refused for.
WHY = ("--reason", "the orders of May are wrong", "--ticket", "INC-42", "--approver", "ada")


def glass(
    kind: Kind = Kind.SENIOR, who: str = "chiara", seconds: float = 60, name: str = "0badcafe"
) -> Glass:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Glass(name, kind, who, "ada", "the orders of May are wrong", "INC-42", until)


def open_glass(
    stack: LocalStack, asked: Glass, said: list[str] | None = None
) -> AbstractContextManager[Access]:
    return opened(stack.paths, asked, "app", (said if said is not None else []).append)


def entries(stack: LocalStack, name: str | None = None) -> list[Entry]:
    return [each for each in Record(stack.folder).entries() if name in (None, each.id)]


def story(stack: LocalStack, name: str) -> list[tuple[str, str]]:
    """What the record tells of one break-glass."""
    return [(entry.event, entry.why) for entry in entries(stack, name)]


def last_id(stack: LocalStack) -> str:
    return entries(stack)[-1].id


def memberships(stack: LocalStack, who: str = "chiara") -> list[Any]:
    with stack.root() as root:
        query = (
            "SELECT pg_get_userbyid(roleid), pg_get_userbyid(grantor), inherit_option, "
            "set_option, admin_option FROM pg_auth_members "
            "WHERE pg_get_userbyid(member) = %s ORDER BY 1"
        )
        return root.execute(query, [who]).fetchall()


def rights(stack: LocalStack, who: str) -> list[Any]:
    """Everything that tells a tier from another."""
    with stack.root() as root:
        tables = root.execute(
            "SELECT relname, privilege, has_table_privilege(%s, c.oid, privilege) "
            "FROM pg_class AS c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', "
            "'TRUNCATE', 'MAINTAIN', 'REFERENCES', 'TRIGGER']) AS privilege "
            "WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace ORDER BY 1, 2",
            [who],
        ).fetchall()
        worn = root.execute(
            "SELECT rolname, pg_has_role(%s, oid, 'SET'), pg_has_role(%s, oid, 'USAGE') "
            "FROM pg_roles WHERE rolname IN ('app_owner', 'ddl_gate', 'tier_reader', "
            "'tier_writer', 'tier_full', 'provisioner') ORDER BY 1",
            [who, who],
        ).fetchall()
    return [*tables, *worn]


def wait_until(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def closers(stack: LocalStack) -> list[psutil.Process]:
    """The processes that will end the break-glasses of this stack."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "strongroom.breakglass.closing" in command and str(stack.folder) in command:
            found.append(process)
    return found


def sessions(stack: LocalStack, user: str, named: str = "%") -> int:
    """How many sessions somebody has, without the one that asks."""
    with stack.root() as root:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s "
            "AND application_name LIKE %s AND backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        )
        row = root.execute(query, [user, named]).fetchone()
    assert row is not None
    return int(row[0])
