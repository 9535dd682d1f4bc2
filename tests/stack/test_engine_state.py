"""The local stack's state, kept by the real engine; no program runs here."""

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from strongroom.engine.environment import backend, environment, process_environment
from strongroom.engine.state import checkpoint, drop_pending, ensure_stack
from strongroom.home import Home

pytestmark = pytest.mark.stack

SETTINGS = "# Kept.\nconfig:\n  strongroom:database: app\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    checkout = tmp_path / "a clone"
    (checkout / "stacks").mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text(
        "name: strongroom\nruntime: python\nstackConfigDir: stacks\n"
    )
    (checkout / "stacks" / "Pulumi.local.yaml").write_text(SETTINGS)
    return Home(root=tmp_path / "home", checkout=checkout)


@pytest.fixture
def variables(home: Home) -> dict[str, str]:
    found = shutil.which("pulumi")
    assert found, "make test puts the engine on PATH; toolchain/engine.sh prints its folder"
    return process_environment(environment(home, Path(found).parent))


def export(home: Home, variables: dict[str, str]) -> dict[str, Any]:
    command = ["pulumi", "stack", "export", "--stack", "local"]
    done = subprocess.run(
        command, cwd=home.checkout, env=variables, capture_output=True, text=True, check=True
    )
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def test_the_stack_is_made_once_by_two_at_once(home: Home, variables: dict[str, str]) -> None:
    assert checkpoint(home) is None
    with ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(ensure_stack, home, variables) for _ in range(2)]:
            made.result()
    ensure_stack(home, variables)
    assert checkpoint(home) is not None
    assert list(backend(home).rglob("*.attrs")) == []


def test_making_the_stack_changes_nothing_in_the_users_own_pulumi(
    home: Home, variables: dict[str, str], tmp_path: Path
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    ensure_stack(home, {**variables, "HOME": str(user)})
    assert list(user.rglob("*")) == []


def test_the_state_is_read_without_a_salt_in_the_settings(
    home: Home, variables: dict[str, str]
) -> None:
    settings = home.checkout / "stacks" / "Pulumi.local.yaml"
    ensure_stack(home, variables)
    assert "encryptionsalt" in settings.read_text()
    settings.write_text(SETTINGS)
    for name in ("shop", "bank"):
        command = ["pulumi", "config", "set", "--stack", "local", "database", name]
        subprocess.run(command, cwd=home.checkout, env=variables, check=True)
    assert export(home, variables)["version"] == 3


def test_what_a_killed_engine_had_under_way_is_forgotten_and_named(
    home: Home, variables: dict[str, str]
) -> None:
    ensure_stack(home, variables)
    path = checkpoint(home)
    assert path is not None
    assert drop_pending(home, variables) == []
    urn = "urn:pulumi:local::strongroom::strongroom:local:Primary::primary-server"
    resource = {"urn": urn, "custom": False, "type": "strongroom:local:Primary"}
    content = json.loads(path.read_text())
    content["checkpoint"]["latest"]["pending_operations"] = [
        {"type": "creating", "resource": resource}
    ]
    path.write_text(json.dumps(content))
    assert drop_pending(home, variables) == [f"creating {urn}"]
    assert "pending_operations" not in export(home, variables)["deployment"]
    assert drop_pending(home, variables) == []
