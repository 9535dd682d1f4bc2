"""Where a database on AWS is: read from the outputs of its stack by the real engine."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.aws_settings import PORT
from strongroom.cli.place import Endpoint
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError

pytestmark = [pytest.mark.stack]

CHECKOUT = Path(__file__).parents[2]
_STACK = "pulumi:pulumi:Stack"
_ROSTER = "environments: [production]\nschemas: [app]\nengineers:\n  ada: {name: A, tier: senior}\n"
_SETTINGS = "config:\n  aws:region: eu-west-1\n  strongroom:platform: aws\n"


@pytest.fixture
def having(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Declaration]:
    """A stack in a backend of its own, with the outputs one gives it."""
    (tmp_path / "strongroom").symlink_to(CHECKOUT / "strongroom")
    (tmp_path / "Pulumi.yaml").symlink_to(CHECKOUT / "Pulumi.yaml")
    for folder in ("stacks", "state"):
        (tmp_path / folder).mkdir()
    (tmp_path / "stacks" / "Pulumi.production.yaml").write_text(_SETTINGS)
    (tmp_path / "stacks" / "engineers.yaml").write_text(_ROSTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "state").as_uri())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of a test")
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")

    def pulumi(*arguments: str) -> str:
        command = ["pulumi", "stack", *arguments, "--stack", "production"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def have(**outputs: str) -> Declaration:
        subprocess.run(["pulumi", "stack", "init", "production"], capture_output=True, check=True)
        state = json.loads(pulumi("export"))
        urn = f"urn:pulumi:production::strongroom::{_STACK}::strongroom-production"
        own = {"urn": urn, "custom": False, "type": _STACK, "outputs": outputs}
        state["deployment"]["resources"] = [own]
        (tmp_path / "state.json").write_text(json.dumps(state))
        pulumi("import", "--file", str(tmp_path / "state.json"))
        return Declaration.load("production")

    return have


def test_the_primary_is_where_the_outputs_say(having: Callable[..., Declaration]) -> None:
    stack = having(primary="db.c0ffee.example:6432", database="app")
    assert Endpoint.of(stack, "", 5432) == Endpoint("db.c0ffee.example", 6432)
    assert Endpoint.of(stack, "other.example", 5432) == Endpoint("other.example", 5432)
    assert Endpoint.of(stack, "other.example", None) == Endpoint("other.example", PORT)


def test_outputs_that_name_no_primary_and_a_stack_that_is_not_there_are_told(
    having: Callable[..., Declaration], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = having(database="app")
    with pytest.raises(StrongroomError, match="outputs of the stack production name no primary"):
        Endpoint.of(stack, "", 5432)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "elsewhere").as_uri())
    with pytest.raises(StrongroomError, match="no stack named 'production' found"):
        Endpoint.of(stack, "", 5432)
