"""A dropped database comes back with every acknowledged commit, from each source, each way."""

from collections.abc import Callable

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.rotation import Rotation
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.recovery.plan import Way
from strongroom.recovery.sources import Kind
from tests.live.local_stack import LocalStack
from tests.live.recover_scene import (
    MIGRATE,
    SWAP,
    Quiet,
    Scene,
    Writer,
    databases,
    folder_names,
)

pytestmark = [pytest.mark.live, pytest.mark.slow]

MakeScene = Callable[[int | None], Scene]


@pytest.fixture
def make_scene(empty_stack: LocalStack) -> MakeScene:
    return lambda delay: Scene(empty_stack, delay)


@pytest.mark.parametrize("way", [SWAP, MIGRATE])
@pytest.mark.parametrize("kind", [Kind.REPLICA, Kind.SNAPSHOT])
def test_every_acknowledged_row_is_there_again(make_scene: MakeScene, kind: Kind, way: Way) -> None:
    scene = make_scene(300 if kind is Kind.REPLICA else None)
    with Writer(scene) as writer:
        writer.wait_for(200)
        scene.drop_database()
    scene.write_elsewhere("after")
    plan = scene.plan(way=way)
    assert (plan.source.kind, plan.way) == (kind, way)
    assert plan.lost == 2  # the drop, and what was written elsewhere
    scene.recover(plan)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    assert scene.elsewhere() == (["before"] if way is SWAP else ["after", "before"])
    assert databases(scene.stack) == {"app", "other", "postgres", "template0", "template1"}
    scene.sound()
    if way is MIGRATE:  # what the recovery emptied and filled again is no harm
        assert (scene.event().kind.name, scene.event().what) == ("DATABASE", ("app",))
    left = folder_names(scene.stack.folder)
    assert not left & {"recovered", "recovery.json"}
    kept = folder_names(scene.stack.paths.final_snapshots)
    assert len(kept) == {SWAP: 2 if kind is Kind.REPLICA else 1, MIGRATE: 0}[way]
    if way is SWAP:
        assert scene.vault.catalog()[-1].timeline == 2
        assert (scene.vault.wal(scene.snapshot.system) / "00000002.history").exists()


def test_a_delayed_replica_stays_what_it_is_when_it_was_the_source(make_scene: MakeScene) -> None:
    scene = make_scene(300)
    replica = Cluster.at(scene.stack.folder / "replica")
    process = replica.process()
    with Writer(scene) as writer:
        writer.wait_for(100)
        scene.drop_database()
    before = (replica.data.stat().st_ino, control(replica)["Latest checkpoint's TimeLineID"])
    scene.recover(scene.plan(way=MIGRATE))
    assert replica.process() == process  # it was not even restarted
    assert (
        replica.data.stat().st_ino,
        control(replica)["Latest checkpoint's TimeLineID"],
    ) == before
    with LocalRoot(replica, scene.stack.cluster).connect() as root:
        state = root.execute("SELECT pg_is_in_recovery(), pg_get_wal_replay_pause_state()")
        assert state.fetchone() == (True, "not paused")
    assert replica.data.joinpath("standby.signal").exists()


def test_a_replica_root_cannot_sign_in_to_is_copied_and_started_again(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(300)
    replica = Cluster.at(scene.stack.folder / "replica")
    # The replica holds the change of the password back, so only the one before opens it.
    Rotation(LocalRoot(scene.stack.cluster)).run()
    assert LocalRoot(replica, scene.stack.cluster).locked_out()
    with Writer(scene) as writer:
        writer.wait_for(100)
        scene.drop_database()
    plan = scene.plan(way=SWAP, source="replica")
    scene.recover(plan)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


def test_a_password_changed_after_the_snapshot_does_not_keep_root_out(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(None)
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    target = scene.target()
    Rotation(LocalRoot(scene.stack.cluster)).run()
    scene.recover(scene.plan(target, way=SWAP))
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


def test_the_replica_itself_can_be_used_up(make_scene: MakeScene) -> None:
    scene = make_scene(300)
    with Writer(scene) as writer:
        writer.wait_for(100)
        scene.drop_database()
    plan = scene.plan(consume=True)
    assert (plan.way, plan.consume) == (SWAP, True)
    scene.recover(plan)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


def test_what_belongs_to_the_database_as_a_whole_comes_back_by_migration(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(None)
    with scene.stack.root("postgres") as root:
        for statement in (
            "CREATE ROLE leaver",
            "CREATE ROLE reader",
            'ALTER DATABASE app SET search_path TO app, "odd, name", public',
            "ALTER DATABASE app SET work_mem TO '12345kB'",
            "ALTER ROLE reader IN DATABASE app SET statement_timeout TO '77s'",
        ):
            root.execute(statement.encode())
    with scene.stack.sign_in("provisioner") as provisioner:
        provisioner.execute("GRANT CONNECT ON DATABASE app TO reader, leaver")
    with scene.stack.root() as root:
        root.execute("GRANT SELECT ON app.orders TO reader, leaver")
        root.execute("ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON TABLES TO reader")
    whole = _whole(scene)
    inside = _inside(scene)
    scene.drop_database()
    with scene.stack.root("postgres") as root:
        root.execute("DROP ROLE leaver")
    scene.recover(scene.plan(way=MIGRATE))
    assert _whole(scene) == whole
    assert _inside(scene) == inside
    # Who was dropped since has what it was granted, but cannot sign in.
    assert scene.count("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'leaver'") is False


def test_a_database_that_is_there_is_kept_under_another_name(make_scene: MakeScene) -> None:
    scene = make_scene(None)
    with scene.stack.root() as root:
        root.execute("DELETE FROM app.lines")
        root.execute("INSERT INTO app.journal VALUES (7, 'after the harm')")
    target = scene.event_at("DELETE")
    outcome = scene.recover(scene.plan(target, way=MIGRATE))
    assert scene.count("SELECT count(*) FROM app.lines") == 500
    assert scene.journal() == []
    (lost,) = (name for name in databases(scene.stack) if name.startswith("app_lost_"))
    assert any(lost in remark for remark in outcome.remarks)
    with scene.stack.root("postgres") as root:
        root.execute(f"ALTER DATABASE {lost} ALLOW_CONNECTIONS true".encode())
    assert scene.count("SELECT body FROM app.journal", lost) == "after the harm"
    scene.sound()


def test_an_invalid_database_is_put_aside_for_the_one_that_was_recovered(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(None)
    with Writer(scene) as writer:
        writer.wait_for(50)
    with scene.stack.root("postgres") as root:
        row = root.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        # What a DROP DATABASE that was killed leaves behind.
        root.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'app'")
    assert row is not None
    scene.recover(scene.plan(scene.at(row[0]), way=MIGRATE))
    assert scene.journal() == writer.acknowledged
    assert any(name.startswith("app_lost_") for name in databases(scene.stack))
    assert scene.stack.primary.refresh() == []


def test_a_second_drop_is_recovered_across_the_timeline_of_the_first(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(None)
    with Writer(scene):
        scene.drop_database()
    scene.recover(scene.plan(way=SWAP))
    with scene.stack.root() as root:
        root.execute("TRUNCATE app.journal")
    with Writer(scene) as writer:
        writer.wait_for(50)
        scene.drop_database()
    progress = Quiet()
    # Also from the snapshot before the first drop, along both timelines.
    plan = scene.plan(scene.target(), way=MIGRATE, source=scene.snapshot.name)
    assert plan.timeline == 2
    scene.recover(plan, progress)
    assert scene.journal()[: len(writer.acknowledged)] == writer.acknowledged
    scene.sound()


def _whole(scene: Scene) -> list[object]:
    with scene.stack.root("postgres") as root:
        found = root.execute(
            "SELECT pg_get_userbyid(datdba), shobj_description(d.oid, 'pg_database'), "
            "datconnlimit, "
            "array(SELECT a::text FROM unnest(datacl) AS a ORDER BY 1), datcollate, datlocale, "
            "array(SELECT setrole::regrole || '|' || each "
            "      FROM pg_db_role_setting, unnest(setconfig) AS each "
            "      WHERE setdatabase = d.oid ORDER BY 1) "
            "FROM pg_database AS d WHERE datname = 'app'"
        )
        return list(found.fetchone() or ())


def _inside(scene: Scene) -> list[object]:
    with scene.stack.root() as root:
        found = root.execute(
            "SELECT n.nspname, relname, relkind, pg_get_userbyid(relowner), "
            "       array(SELECT a::text FROM unnest(relacl) AS a ORDER BY 1) "
            "FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace "
            "WHERE nspname IN ('app', 'strongroom') ORDER BY 1, 2"
        ).fetchall()
        triggers = root.execute("SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1")
        defaults = root.execute(
            "SELECT defaclrole::regrole::text, defaclobjtype, defaclacl::text FROM pg_default_acl "
            "ORDER BY 1, 2, 3"
        )
        return [*found, *triggers.fetchall(), *defaults.fetchall()]
