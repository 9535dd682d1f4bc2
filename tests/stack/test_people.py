"""A working life by the real engine: hired, raised for a while, gone; each read in a preview."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from strongroom.breakglass.record import Record
from tests.stack.project import Project

pytestmark = pytest.mark.stack


def _ended(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_a_hire_is_raised_until_a_time_and_falls_back_by_itself(standing: Project) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)

    def hire_and_raise(roster: dict[str, Any]) -> None:
        roster["engineers"]["frida"] = {"name": "Frida Ben", "tier": "junior"}
        raised = {"who": "frida", "tier": "senior", "environments": ["local"]}
        why = {"reason": "move the orders of May", "ticket": "INC-7", "approver": "ada"}
        roster["elevations"] = [{**raised, "until": until.isoformat(), **why}]

    standing.edit_roster(hire_and_raise)
    shown = standing.preview().output
    assert "access-role-frida" in shown
    for said in ('who     : "frida"', 'base    : "junior"', 'approver: "ada"', '"INC-7"'):
        assert said in shown
    standing.up()
    frida = standing.connect("frida")
    frida.execute("SET ROLE app_owner")
    frida.execute("CREATE TABLE app.moved (id int)")
    assert standing.is_quiet()
    time.sleep(max((until - datetime.now(UTC)).total_seconds(), 0))
    deadline = time.monotonic() + 20
    while not _ended(frida):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    with standing.connect("frida") as again:
        again.execute("SELECT * FROM app.moved")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            again.execute("SET ROLE app_owner")
        # What has ended is no reason to end a session that began after it.
        shown = standing.preview().output
        assert "the elevation of frida ended at" in shown
        assert 'who     : "frida"' in shown
        assert "rights are lost" not in shown
        standing.up()
        assert not _ended(again)
    assert standing.is_quiet("--refresh")
    record = Record(standing.folder.path).entries()
    assert [(each.event, each.who) for each in record] == [("lent", "frida"), ("ended", "frida")]


def test_a_leaver_is_read_in_the_preview_then_refused_and_nothing_of_theirs_is_lost(
    standing: Project,
) -> None:
    with standing.root() as root:
        root.execute("CREATE SCHEMA lab AUTHORIZATION esra")
        root.execute("CREATE DATABASE other")
        root.execute("GRANT CONNECT, CREATE ON DATABASE other TO esra")
    with standing.root("other") as other:
        other.execute("CREATE SCHEMA lab AUTHORIZATION esra")
        other.execute("CREATE TABLE lab.kept AS SELECT 7 AS n")
        other.execute("ALTER TABLE lab.kept OWNER TO esra")

    def leave(roster: dict[str, Any]) -> None:
        del roster["engineers"]["esra"]
        roster["engineers"]["e.novak"] = {"name": "Esra Novak", "tier": "junior"}

    standing.edit_roster(leave)
    with standing.connect("esra") as esra:
        esra.execute("CREATE TABLE lab.own AS SELECT 8 AS n")
        shown = " ".join(standing.preview().output.split())
        assert (
            "esra leaves: signing in is refused, 1 open session ended, 2 objects in app given to "
            "app_owner, 2 objects in other given to app_owner, rights on 1 object taken, the role "
            "dropped"
        ) in shown
        assert "rights are lost by esra: open sessions end" in shown
        assert "e.novak is a new role, not esra under another name" in shown
        assert '- esra : "Esra Novak"' in shown
        standing.up()
        assert _ended(esra)
    assert standing.is_quiet("--refresh")
    with pytest.raises(psycopg.OperationalError, match="esra"):
        standing.connect("esra")
    owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass"
    with standing.root() as root, standing.root("other") as other:
        assert root.execute("SELECT to_regrole('esra')").fetchone() == (None,)
        assert root.execute("SELECT n FROM lab.own").fetchone() == (8,)
        assert root.execute(owner, ["lab.own"]).fetchone() == ("app_owner",)
        assert other.execute("SELECT n FROM lab.kept").fetchone() == (7,)
        assert other.execute(owner, ["lab.kept"]).fetchone() == ("app_owner",)
