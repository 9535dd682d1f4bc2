"""What holds data is neither destroyed nor replaced by mistake, and never without a copy."""

import pytest

from strongroom.cluster.cluster import Cluster
from tests.stack.project import Project

pytestmark = pytest.mark.stack


def test_destroy_is_refused_and_everything_still_runs(standing: Project) -> None:
    refused = standing.pulumi("destroy", "--yes", "--skip-preview", check=False)
    assert refused.code != 0
    assert "protected" in refused.output
    assert {each.directory.name: each.running() for each in standing.folder.clusters()} == {
        "primary": True,
        "replica": True,
    }


def test_a_replacement_stops_in_the_preview_with_the_reason(standing: Project) -> None:
    kept = (standing.checkout / "stacks" / "Pulumi.local.yaml").read_text()
    standing.edit_settings(lambda values: values.update({"strongroom:database": "other"}))
    refused = standing.preview(check=False)
    (standing.checkout / "stacks" / "Pulumi.local.yaml").write_text(kept)
    assert refused.code != 0
    assert "database from 'app' to 'other'" in refused.output
    assert "deletion protection is on" in refused.output


def test_a_setting_that_needs_a_restart_is_said_so_in_the_preview(standing: Project) -> None:
    def change(values: dict[str, dict[str, str]]) -> None:
        values["strongroom:server"]["shared_buffers"] = "48MB"

    standing.edit_settings(change)
    assert "shared_buffers: restarts the primary" in standing.preview().output
    standing.up()
    with standing.root() as connection:
        assert connection.execute("SHOW shared_buffers").fetchone() == ("48MB",)


def test_without_protection_it_goes_and_a_final_snapshot_can_be_started(fresh: Project) -> None:
    fresh.up()
    with fresh.connect("ada") as connection:
        connection.execute("SET ROLE app_owner")
        connection.execute("CREATE TABLE app.precious AS SELECT generate_series(1, 1000) AS n")
    fresh.edit_settings(lambda values: values.update({"strongroom:deletionProtection": "false"}))
    fresh.up()
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    assert fresh.folder.clusters() == []
    (kept,) = fresh.folder.final_snapshots.iterdir()
    kept.rename(fresh.folder.path / "primary")
    cluster = Cluster.at(fresh.folder.path / "primary")
    cluster.start()
    with fresh.connect("esra") as connection:
        assert connection.execute("SELECT count(*) FROM app.precious").fetchone() == (1000,)
    cluster.stop()
