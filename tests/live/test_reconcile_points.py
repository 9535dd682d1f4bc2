"""At a point that ended no session, what was open is told by how it went on."""

from contextlib import ExitStack, closing

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.reconcile.noting import Noting, Scope
from strongroom.reconcile.remains import Did, End
from strongroom.reconcile.report import reconcile
from strongroom.reconcile.touching import Server
from tests.live.local_stack import LocalStack
from tests.live.recover_scene import MIGRATE, Scene

pytestmark = [pytest.mark.live, pytest.mark.slow]


def test_a_commit_that_came_after_the_point_is_told_as_lost_with_its_rows(
    empty_stack: LocalStack,
) -> None:
    scene = Scene(empty_stack)
    with ExitStack() as sessions:
        late, never, root = (sessions.enter_context(closing(scene.stack.root())) for _ in range(3))
        late.execute("BEGIN")
        late.execute("UPDATE app.orders SET item = 'late' WHERE id = 3")
        late.execute("SAVEPOINT a")
        late.execute("INSERT INTO app.journal VALUES (77, 'late')")
        late.execute("RELEASE SAVEPOINT a")
        never.execute("BEGIN")
        never.execute("INSERT INTO app.journal VALUES (78, 'never')")
        never.execute("SAVEPOINT a")
        never.execute("INSERT INTO app.journal VALUES (79, 'never, in its part')")
        root.execute("INSERT INTO app.journal VALUES (70, 'in time')")
        root.execute("DELETE FROM app.lines")
        late.execute("COMMIT")
        target = scene.event_at("DELETE")
        # Asked while the primary still has what was lost: of what was committed rows can be read.
        live = Server(scene.stack.cluster, LocalRoot(scene.stack.cluster), exact=False)
        before = Noting(scene.situation, target.lsn or "", Scope("app")).remains(live)
        ends = {each.end: each for each in before.lost}
        assert ends.keys() == {End.LATER, End.OPEN}
        assert {table.table: table.inserted for table in ends[End.LATER].tables} == {
            "app.orders": 0,
            "app.journal": 1,
        }
        assert "recovered copy only" in ends[End.OPEN].tables[0].unknown
        scene.recover(scene.plan(target, way=MIGRATE))
    found = reconcile(scene.situation, "app").remains
    assert found is not None
    by_end = {each.end: each for each in found.lost}
    assert len(found.lost) == 2  # and not the harm itself
    tables = {table.table: table.rows for table in by_end[End.LATER].tables}
    assert [(row.did, row.key, row.after) for row in tables["app.orders"]] == [
        (Did.UPDATED, {"id": "3"}, {"item": "late"})
    ]
    assert [row.key for row in tables["app.journal"]] == [{"id": "77"}]
    (journal,) = by_end[End.OPEN].tables
    assert [row.key["id"] for row in journal.rows] == ["78", "79"]
    last = [row.key for each in found.last for table in each.tables for row in table.rows]
    assert {"id": "70"} in last
