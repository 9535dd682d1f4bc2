"""The first `pulumi up` of the local stack, and what it leaves behind."""

import json

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.sealed import candidates
from tests.stack.project import STACK, Project

pytestmark = pytest.mark.stack


def test_the_very_first_preview_shows_every_role_and_grant_and_the_address(fresh: Project) -> None:
    shown = fresh.preview().output
    for name in ("ada", "bram", "chiara", "dmitri", "esra", "web", "migrator"):
        assert f"access-role-{name}" in shown
    assert "access-grant-tier_full-app-table" in shown
    assert 'primary              : "127.0.0.1:' in shown
    assert not fresh.folder.path.exists(), "a preview made something"


def test_a_refreshing_preview_shows_nothing_to_do(standing: Project) -> None:
    assert standing.is_quiet("--refresh")


def test_a_second_up_changes_nothing_and_restarts_nothing(standing: Project) -> None:
    before = [cluster.process() for cluster in standing.folder.clusters()]
    assert "unchanged" in standing.up("--refresh").changes
    assert [cluster.process() for cluster in standing.folder.clusters()] == before


def test_the_state_holds_no_secret_even_in_the_clear(standing: Project) -> None:
    state = json.dumps(standing.state())
    sealed = LocalRoot(standing.folder.primary).sealed
    for password in candidates(sealed):
        assert password.value not in state
    for sign in ("-----BEGIN", "SCRAM-SHA-256", "PRIVATE KEY"):
        assert sign not in state
    kept = list(_secrets(standing.state()))
    assert all(json.loads(plain) is None for plain in kept), "only empty secrets may be there"


def _secrets(value: object) -> list[str]:
    """The plain text of everything the engine marked as secret."""
    if isinstance(value, dict):
        mine = [value["plaintext"]] if "plaintext" in value else []
        return mine + [found for item in value.values() for found in _secrets(item)]
    if isinstance(value, list):
        return [found for item in value for found in _secrets(item)]
    return []


def test_no_file_the_engine_wrote_holds_roots_password(standing: Project) -> None:
    password = candidates(LocalRoot(standing.folder.primary).sealed)[0].value.encode()
    for path in (standing.checkout / "state").rglob("*"):
        if path.is_file():
            assert password not in path.read_bytes(), path


def test_the_plugin_gives_its_whole_schema(standing: Project) -> None:
    answer = standing.pulumi("package", "get-schema", "./plugin", stack=False).output
    schema = json.loads(answer[answer.index("{") :])
    assert set(schema["resources"]) == {
        "strongroom:local:Primary",
        "strongroom:local:Replica",
        "strongroom:local:RootSecret",
        "strongroom:local:SnapshotPolicy",
        "strongroom:local:Agent",
        "strongroom:local:People",
        "strongroom:aws:Lasting",
        "strongroom:aws:People",
        "strongroom:access:Logging",
        "strongroom:access:Memberships",
        "strongroom:access:Matrix",
    }
    primary = schema["resources"]["strongroom:local:Primary"]
    assert primary["inputProperties"]["database"]["willReplaceOnChanges"]
    assert not any("password" in name.lower() for name in primary["properties"])


def test_what_the_replica_serves_was_written_on_the_primary(standing: Project) -> None:
    replica = next(each for each in standing.folder.clusters() if each.directory.name == "replica")
    with standing.connect("ada") as connection:
        connection.execute("SET ROLE app_owner")
        connection.execute("CREATE TABLE IF NOT EXISTS app.seen (n int)")
        connection.execute("INSERT INTO app.seen VALUES (1)")
        row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    assert row
    with standing.connect("ada", cluster=replica) as connection:
        standing.wait_for(
            connection, f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'::pg_lsn", expected=True
        )
        assert connection.execute("SELECT count(*) FROM app.seen").fetchone() == (1,)


def test_a_stack_of_an_environment_the_roster_does_not_know_is_refused(fresh: Project) -> None:
    fresh.edit_roster(lambda roster: roster["environments"].remove(STACK))
    refused = fresh.preview(check=False)
    assert refused.code != 0
    assert f"not '{STACK}'" in refused.output
    assert "Traceback" not in refused.output
