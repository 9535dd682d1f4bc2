"""One program through every postgresql plugin there is; the catalogs have to come out the same."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.postgresql_server import Server, running_server

pytestmark = pytest.mark.stack

HERE = Path(__file__).parent / "conformance"
CHECKOUT = Path(__file__).parents[2]
#: What the official plugin 3.18.2 made of the program on PostgreSQL 17.10.
EXPECTED = HERE / "expected.json"

DRIFT = """
DROP OWNED BY deployer;
DROP ROLE deployer;
GRANT DELETE ON shop.customer TO tier_reader;
REVOKE INSERT ON shop."Order" FROM tier_writer;
REVOKE UPDATE (email) ON shop.customer FROM ada;
ALTER ROLE ada NOLOGIN CONNECTION LIMIT 3;
ALTER ROLE ada SET statement_timeout = '1h';
ALTER ROLE cannot SET search_path = public;
SET ROLE provisioner; GRANT tier_full TO cannot; REVOKE tier_reader FROM tier_writer; RESET ROLE;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop REVOKE SELECT ON TABLES FROM tier_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop GRANT DELETE ON TABLES TO tier_writer;
ALTER SCHEMA owned OWNER TO provisioner;
DROP SCHEMA fresh;
"""


#: What a preview has to say to that, by the names of the program.
SEEN = {
    "ada": "update",
    "all-routines": "create",
    "cannot": "update",
    "deployer": "create",
    "fresh": "create",
    "legacy-email": "replace",
    "owned": "update",
    "read": "update",
    "tier_writer": "update",
    "will-full": "create",
    "will-read": "create",
    "will-write": "update",
    "write": "update",
}


@dataclass(frozen=True)
class Engine:
    """The real engine on one program, with a state of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, step: int = 1, expect: int = 0) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--stack", "conformance"],
            cwd=self.folder,
            env={**self.environment, "STEP": str(step)},
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == expect, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def preview(self, *arguments: str) -> dict[str, str]:
        """What would be done to which resource."""
        steps = json.loads(self.run("preview", "--json", *arguments))["steps"]
        silent = ("same", "refresh", "create-replacement", "delete-replaced")
        return {
            step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] not in silent
        }

    def state(self) -> list[dict[str, Any]]:
        exported = json.loads(self.run("stack", "export"))
        resources: list[dict[str, Any]] = exported["deployment"].get("resources", [])
        return resources

    def ids(self) -> dict[str, str]:
        return {each["urn"]: each["id"] for each in self.state() if "id" in each}


@pytest.fixture(scope="session")
def engine_bin() -> Path:
    named = os.environ.get("STRONGROOM_ENGINE_BIN")
    found = Path(named) / "pulumi" if named else Path(shutil.which("pulumi") or "/nowhere/pulumi")
    if not found.is_file():
        pytest.skip("no pulumi engine: put it on PATH or its folder into STRONGROOM_ENGINE_BIN")
    return found.parent


@pytest.fixture(scope="session")
def closed_network_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin of this checkout, started with the Python that runs the tests."""
    folder = tmp_path_factory.mktemp("plugin")
    script = folder / "pulumi-resource-postgresql"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" '
        '-m strongroom.provider.postgresql "$@"\n'
    )
    script.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def official_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The folder of the official plugin, when there is one."""
    named = os.environ.get("STRONGROOM_OFFICIAL_POSTGRESQL")
    if named:
        return Path(named).resolve().parent
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    installed = home / "plugins" / "resource-postgresql-v3.18.2" / "pulumi-resource-postgresql"
    return installed.parent if installed.is_file() else None


@contextmanager
def deployment(server: Server, folder: Path, plugin: Path, engine_bin: Path) -> Iterator[Engine]:
    """An engine whose only postgresql plugin is `plugin`, and whose server is `server`."""
    certificate, key = server.certificate("provisioner")
    folder.mkdir()
    (folder / "state").mkdir()
    shutil.copy(HERE / "program.py", folder / "__main__.py")
    (folder / "Pulumi.yaml").write_text(
        "name: conformance\nruntime: python\nplugins:\n  providers:\n"
        f"    - name: postgresql\n      path: {plugin}\n"
    )
    path = [str(engine_bin), str(Path(sys.executable).parent), os.environ["PATH"]]
    engine = Engine(
        folder,
        {
            **os.environ,
            "PATH": os.pathsep.join(path),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "conformance",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "SERVER_PORT": str(server.port),
            "SERVER_CA": str(server.ca),
            "SERVER_CERT": str(certificate),
            "SERVER_KEY": str(key),
        },
    )
    engine.run("stack", "init")
    yield engine


def catalogs(server: Server) -> Any:
    """Roles, memberships, owners and rights, as plain data."""
    with server.root() as connection:
        row = connection.execute((HERE / "catalogs.sql").read_text()).fetchone()
    assert row
    return row[0]


def holds_no_secret(state: list[dict[str, Any]]) -> None:
    assert "ciphertext" not in json.dumps(state)
    for resource in state:
        for values in (resource.get("inputs", {}), resource.get("outputs", {})):
            assert not {"password", "passwordWo"} & values.keys()


def prepared(server: Server) -> None:
    with server.root() as connection:
        connection.execute((HERE / "setup.sql").read_text())


def course(server: Server, engine: Engine) -> dict[str, Any]:
    """Make everything, change it, take it away; the catalogs after each."""
    prepared(server)
    dumps = {"before": catalogs(server)}
    engine.run("up", "--yes", "--skip-preview")
    dumps["made"] = catalogs(server)
    engine.run("up", "--yes", "--skip-preview", step=2)
    dumps["changed"] = catalogs(server)
    engine.run("destroy", "--yes", "--skip-preview", step=2)
    dumps["destroyed"] = catalogs(server)
    return dumps


def test_the_program_makes_the_same_catalogs_through_every_plugin(
    tmp_path: Path, closed_network_plugin: Path, official_plugin: Path | None, engine_bin: Path
) -> None:
    with (
        running_server() as server,
        deployment(server, tmp_path / "ours", closed_network_plugin, engine_bin) as engine,
    ):
        ours = course(server, engine)
    if official_plugin:
        with (
            running_server() as server,
            deployment(server, tmp_path / "official", official_plugin, engine_bin) as engine,
        ):
            official = course(server, engine)
        if os.environ.get("STRONGROOM_WRITE_EXPECTED"):
            EXPECTED.write_text(json.dumps(official, indent=1, ensure_ascii=False) + "\n")
        assert ours == official
    assert ours == json.loads(EXPECTED.read_text())
    before, after = ours["before"], ours["destroyed"]
    # A default that only took something from PUBLIC ends without giving it back, in either plugin.
    del after["rights"]["default f of app_owner"]
    assert after == before


def test_nothing_is_left_to_do_after_up_and_drift_of_every_kind_is_put_back(
    tmp_path: Path, closed_network_plugin: Path, engine_bin: Path
) -> None:
    with (
        running_server() as server,
        deployment(server, tmp_path / "drift", closed_network_plugin, engine_bin) as engine,
    ):
        prepared(server)
        engine.run("up", "--yes", "--skip-preview")
        holds_no_secret(engine.state())
        engine.run("preview", "--refresh", "--expect-no-changes")
        wanted = catalogs(server)
        with server.root() as connection:
            connection.execute(DRIFT)
        assert catalogs(server) != wanted
        # What one refresh keeps is not the measure of the next.
        engine.run("refresh", "--yes", "--skip-preview")
        assert engine.preview("--refresh") == SEEN
        engine.run("up", "--refresh", "--yes", "--skip-preview")
        assert catalogs(server) == wanted
        engine.run("preview", "--refresh", "--expect-no-changes")


def test_a_stack_made_by_the_official_plugin_goes_on_with_this_one_unchanged(
    tmp_path: Path, closed_network_plugin: Path, official_plugin: Path | None, engine_bin: Path
) -> None:
    if not official_plugin:
        pytest.skip("no official plugin: put its path into STRONGROOM_OFFICIAL_POSTGRESQL")
    with (
        running_server() as server,
        deployment(server, tmp_path / "both", official_plugin, engine_bin) as engine,
    ):
        prepared(server)
        engine.run("up", "--yes", "--skip-preview")
        ids = engine.ids()
        project = engine.folder / "Pulumi.yaml"
        official = project.read_text()
        project.write_text(official.replace(str(official_plugin), str(closed_network_plugin)))
        # The two spell one provider setting, JSON, differently; nothing else may change.
        assert engine.preview("--refresh") in ({}, {"provisioner": "update"})
        engine.run("up", "--refresh", "--yes", "--skip-preview")
        assert engine.ids() == ids
        engine.run("preview", "--refresh", "--expect-no-changes")
        project.write_text(official)
        # The official plugin compares the spelling of a time and not the instant.
        assert engine.preview().keys() <= {"provisioner", "Grace Hopper"}
