"""What a stack declares on the local platform: parents, protection, names, and no secret."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.unit.declared_stack import PRIMARY, ROLE, declare
from tests.unit.recording_engine import Recording, run

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stack() -> Recording:
    return declare()


def test_the_primary_is_one_server_under_its_component(stack: Recording) -> None:
    server = stack.named("primary-server")
    assert server.request.parent == stack.named("primary").urn
    assert server.inputs == {
        "directory": "/s/primary",
        "database": "app",
        "guardedSchemas": ["app"],
        "port": 0,
        "settings": {"work_mem": "8MB"},
        "serverBinaries": "",
        "deletionProtection": True,
        "environment": "local",
        "guarded": True,
        "massChangeRows": 0,
        "vault": "/s/vault",
        "archiveTimeoutSeconds": 300,
    }


def test_the_keys_of_a_map_reach_the_plugin_as_they_are() -> None:
    settings = {"work_mem": "8MB", "auto_explain.log_min_duration": "1s"}
    found = declare(primary=replace(PRIMARY, settings=settings))
    assert found.named("primary-server").inputs["settings"] == settings


@pytest.mark.parametrize("name", ["primary-server", "replica-server"])
def test_a_server_is_deleted_before_it_is_replaced_since_its_folder_has_a_fixed_name(
    stack: Recording, name: str
) -> None:
    request = stack.named(name).request
    assert request.deleteBeforeReplace
    assert request.deleteBeforeReplaceDefined


def test_deletion_protection_protects_in_the_engine_and_in_the_plugin() -> None:
    for protection in (True, False):
        found = declare(primary=replace(PRIMARY, deletion_protection=protection))
        server = found.named("primary-server")
        assert server.request.protect == protection
        assert server.inputs["deletionProtection"] == protection


def test_guarded_schemas_are_declared_in_one_order_whatever_order_they_came_in() -> None:
    one, two = (
        declare(primary=replace(PRIMARY, schemas=schemas)).named("primary-server").inputs
        for schemas in (("b", "a"), ("a", "b"))
    )
    assert one == two


def test_snapshots_go_where_the_primary_archives_its_wal(stack: Recording) -> None:
    policy = stack.named("snapshots-policy")
    assert policy.inputs["vault"] == stack.named("primary-server").inputs["vault"] == "/s/vault"
    assert policy.inputs["keepDays"] == 14
    assert policy.request.deletedWith == stack.named("primary-server").urn


def test_the_replica_follows_the_primary_it_was_given(stack: Recording) -> None:
    server = stack.named("replica-server")
    assert server.request.parent == stack.named("replica").urn
    assert server.inputs["primary"] == "/s/primary"
    assert server.inputs["directory"] == "/s/replica"
    assert server.inputs["delaySeconds"] == 60
    assert stack.named("primary-server").urn in server.request.dependencies


def test_roots_secret_ends_with_its_server_and_is_not_protected_itself(stack: Recording) -> None:
    secret = stack.named("root-password")
    assert secret.request.deletedWith == stack.named("primary-server").urn
    assert not secret.request.protect
    assert secret.inputs == {"directory": "/s/primary", "maxAgeDays": 7, "rotation": ""}


def test_components_tell_where_servers_are_and_nothing_else(stack: Recording) -> None:
    told = {name: stack.outputs[stack.named(name).urn] for name in ("primary", "replica", "root")}
    assert told == {
        "primary": {"host": "127.0.0.1", "port": 15432, "database": "app"},
        "replica": {"host": "127.0.0.1", "port": 15433},
        "root": {"rotated_at": "2026-01-01T00:00:00+00:00"},
    }


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | set().union(*map(_keys, value.values()))
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    return set()


def test_nothing_a_program_declares_is_a_secret_or_a_password(stack: Recording) -> None:
    for one in stack.registered:
        # The SDK of pulumi_postgresql marks two properties of a role secret, which are not set.
        given = {key for key in _keys(one.inputs) if one.inputs.get(key, "") is not None}
        assert not {key for key in given if "password" in key.lower()}, one.urn
        assert "1b47061264138c4ac30d75fd1eb44270" not in str(one.request.object), one.urn


def test_the_provisioner_signs_in_with_a_certificate_and_is_no_superuser(
    stack: Recording,
) -> None:
    (provider,) = stack.of_type("pulumi:providers:postgresql")
    settings = provider.inputs
    assert settings["username"] == "provisioner"
    assert settings["sslmode"] == "verify-full"
    assert str(settings["superuser"]).lower() == "false"
    assert "/s/provisioner/provisioner.key" in str(settings["clientcert"])
    assert 2 <= int(settings["maxConnections"]) <= 5


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    monkeypatch.setenv("PULUMI_CONFIG", "{}")
    return tmp_path


def _program() -> None:
    runpy.run_path(str(CHECKOUT / "__main__.py"))


def test_the_program_declares_the_roster_of_the_checkout_on_the_local_platform(
    checkout: Path,
) -> None:
    found = run(_program)
    server = found.named("primary-server")
    assert server.inputs["directory"].startswith(str(checkout))
    assert server.inputs["database"] == "app"
    people = {one.inputs["name"] for one in found.of_type(ROLE) if one.inputs.get("login")}
    assert {"ada", "web", "migrator"} <= people
    # Root's password changes once, before anything builds on the server: a component, and so
    # what is in it, is registered when what it depends on is there.
    kinds = [one.type for one in found.registered]
    assert kinds.index("strongroom:local:RootSecret") < kinds.index(ROLE)
    names = {"primary", "replica", "database", "newestSnapshot", "rootPasswordRotatedAt"}
    assert found.exports == names


def test_the_program_stays_short() -> None:
    assert len((CHECKOUT / "__main__.py").read_text().splitlines()) <= 40


def test_a_mistake_in_the_settings_stops_the_program_with_its_reason(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", '{"strongroom:port": "80", "strongroom:datbase": "x"}')
    with pytest.raises(pulumi.RunError) as refused:
        run(_program)
    assert "2 mistakes" in str(refused.value)


def test_a_stack_the_roster_does_not_know_stops_the_program(checkout: Path) -> None:
    with pytest.raises(pulumi.RunError, match="not 'nowhere'"):
        run(_program, stack="nowhere")


def test_no_component_reads_the_environment_or_connects_to_anything() -> None:
    for path in (CHECKOUT / "components").rglob("*.py"):
        text = path.read_text()
        assert "psycopg" not in text, path
        assert "subprocess" not in text, path
        assert "from __future__" not in text, path
        assert "os.environ" not in text or path.name == "program.py", path
