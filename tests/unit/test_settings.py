"""Settings are the same for the program and the command line, or refused with every reason."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest
import yaml

from strongroom.aws_settings import AwsSettings
from strongroom.cluster.configuration import FIXED
from strongroom.errors import SettingsError
from strongroom.reading.names import camel
from strongroom.reading.server_settings import refused
from strongroom.settings import KEYS, Settings

CHECKOUT = Path(__file__).parents[2]
PROJECT = (CHECKOUT / "Pulumi.yaml").read_text(encoding="utf-8")


def problems_of(values: Mapping[str, object]) -> list[str]:
    """What is wrong with configuration values."""
    with pytest.raises(SettingsError) as caught:
        Settings.parse("local", values, "stack local")
    return caught.value.problems


def _written(value: object) -> object:
    """A setting's value as YAML has it."""
    if value == AwsSettings():
        return {}
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def test_the_local_stack_of_this_project_is_good() -> None:
    settings = Settings.load(CHECKOUT, "local")
    assert settings.platform == "local"
    assert settings.deletion_protection
    assert settings.roster_in(CHECKOUT).is_file()


def test_pulumis_declaration_and_the_model_agree_in_names_types_and_defaults() -> None:
    declared = yaml.safe_load(PROJECT)["config"]
    kinds = {str: "string", int: "integer", bool: "boolean", Mapping: "object", tuple: "array"}
    kinds[AwsSettings] = "object"
    hints = get_type_hints(Settings)
    defaults = Settings("local")
    model: dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        if field.name != "environment":
            hint, default = hints[field.name], getattr(defaults, field.name)
            kind = kinds[get_origin(hint) or hint]
            model[camel(field.name)] = (kind, _written(default))
    assert {key: (each["type"], each["default"]) for key, each in declared.items()} == model
    assert all(each["description"] for each in declared.values())


def test_values_may_be_typed_or_text_with_or_without_namespace() -> None:
    typed = {"port": 6000, "deletionProtection": False, "server": {"work_mem": "8MB"}}
    text = {
        f"strongroom:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in typed.items()
    }
    settings = Settings.parse("local", typed, "typed")
    assert settings == Settings.parse("local", text, "text")
    assert not settings.deletion_protection


def test_nothing_given_is_the_defaults() -> None:
    assert Settings.parse("staging", {}, "stack staging") == Settings("staging")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("platform", "azure", "not one of local or aws"),
        ("platform", "gcp", "Write local"),
        ("platform", 3, "should be text"),
        ("roster", "../engineers.yaml", "not the name of a YAML file in stacks/"),
        ("roster", "/etc/passwd", "not the name of a YAML file in stacks/"),
        ("roster", "engineers.json", "not the name of a YAML file in stacks/"),
        ("database", "postgres", "is reserved: it is PostgreSQL's own"),
        ("database", "template0", "is reserved"),
        ("database", "template1", "is reserved"),
        ("database", "rdsadmin", "it is RDS's own"),
        ("database", "replication", "pg_hba.conf"),
        ("database", "My App", "lower-case letters"),
        ("database", "a" * 64, "64 bytes"),
        ("port", 80, "is 80, not 0 or a whole number from 1024 to 65535"),
        ("port", 65536, "not 0 or a whole number"),
        ("port", -1, "not 0 or a whole number"),
        ("port", "0x1538", "not '0x1538'"),
        ("port", "05432", "not '05432'"),
        ("port", 5432.0, "not 5432.0"),
        ("port", True, "not true"),
        ("port", "9" * 400, "whole number"),
        ("port", "", "has no value"),
        ("port", None, "has no value"),
        ("deletionProtection", "yes", "should be true or false, not 'yes'"),
        ("deletionProtection", 0, "should be true or false, not 0"),
        ("deletionProtection", "False", "should be true or false"),
        ("guarded", "no", "should be true or false"),
        ("guardedHosts", "db.example.com", "should be a list"),
        ("guardedHosts", [5432], "should be text"),
        ("guardedHosts", ["localhost"], "Add the port"),
        ("guardedHosts", ["127.0.0.1"], "Add the port"),
        ("guardedHosts", ["::1"], "Add the port"),
        ("guardedHosts", ["db.example.com:0"], "1 to 65535"),
        ("guardedHosts", ["db.example.com:x"], "1 to 65535"),
        ("guardedHosts", ["db.example.com:99999"], "1 to 65535"),
        ("guardedHosts", ["10.0.3.7/24"], "bits set behind its mask"),
        ("guardedHosts", ["10.0.3.700"], "neither a host name"),
        ("guardedHosts", ["postgres://db.example.com"], "a port that none can have"),
        ("guardedHosts", ["db example"], "neither a host name"),
        ("guardedHosts", ["*"], "neither a host name"),
        ("guardedHosts", [""], "should be text"),
        ("massChangeRows", -1, "not 0 or a whole number"),
        ("massChangeRows", 1_000_000_001, "not 0 or a whole number"),
        ("rootPasswordMaxAgeDays", 0, "from 1 to 365"),
        ("rootPasswordMaxAgeDays", 366, "from 1 to 365"),
        ("statementTimeoutSeconds", 60, "should be a mapping, not 60"),
        ("statementTimeoutSeconds", {"junior": 0}, "(0 means no limit)"),
        ("statementTimeoutSeconds", {"boss": 60}, "unknown key 'boss'"),
        ("statementTimeoutSeconds", '{"mid":86401}', "statementTimeoutSeconds.mid is 86401"),
        ("statementTimeoutSeconds", '{"mid":', "should be a mapping"),
        ("idleInTransactionTimeoutSeconds", 0, "(0 means no limit)"),
        ("replicaDelaySeconds", 86401, "from 0 to 86400"),
        ("server", ["fsync"], "should be a mapping, not a list"),
        ("server", "[" * 100_000, "should be a mapping"),
        ("server", {"work_mem": None}, "should be text, not empty"),
        ("server", {"work_mem": {"a": 1}}, "should be text, not a mapping"),
        ("server", {"work_mem": "1MB\nfsync = off"}, "cannot be printed"),
        ("prot", 3, "Did you mean 'strongroom:port'?"),
        ("strongroom:prot", 3, "Did you mean 'strongroom:port'?"),
        ("strongrom:port", 3, "Write strongroom:port"),
        ("environment", "production", "unknown key 'strongroom:environment'"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_alone(key: str, value: object, said: str) -> None:
    (problem,) = problems_of({key: value})
    assert said in problem
    assert len(problem) < 600


@pytest.mark.parametrize(
    "host",
    [
        *("db.example.com", "DB.Example.com.", "*.abc.eu-west-1.rds.amazonaws.com", "db_1"),
        *("db.example.com:5433", "10.0.3.0/24", "10.0.3.7", "10.0.3.7:5432", "fd00::/8"),
        *("[fd00::7]:5432", "fd00::7", "localhost:5433", "127.0.0.1:5433", "[::1]:5433"),
    ],
)
def test_a_guarded_host_may_be_a_name_an_address_or_a_network(host: str) -> None:
    settings = Settings.parse("local", {"guardedHosts": json.dumps([host])}, "s")
    assert settings.guarded_hosts == (host,)


def test_every_mistake_is_told_at_once() -> None:
    values = {
        "port": "80",
        "platform": "azure",
        "prot": "1",
        "server": '{"port":"1","fsync":"off"}',
    }
    assert len(problems_of(values)) == 5


def test_other_namespaces_are_left_alone() -> None:
    assert Settings.parse("local", {"postgresql:port": "x", "aws:region": 3}, "s").port == 0


def test_a_secret_under_a_wrong_name_is_not_shown() -> None:
    report = "".join(
        problems_of({"rootPasword": "hunter2", "server": {"primary_conninfo": "hunter2"}})
    )
    assert "rootPasword" in report
    assert "primary_conninfo" in report
    assert "hunter2" not in report


@pytest.mark.parametrize(
    "name",
    [
        *sorted(FIXED),
        *("ssl_ciphers", "log_min_duration_statement", "archive_timeout", "recovery_target_lsn"),
        *("shared_preload_libraries", "session_replication_role", "event_triggers"),
        *("include", "include_dir", "include_if_exists", "strongroom.confirm"),
        *("statement_timeout", "idle_in_transaction_session_timeout", "synchronous_commit"),
        *("WORK_MEM", "work-mem", "work_mem ", "a.b.c", "", "work_mem='1MB' #"),
    ],
)
def test_a_server_setting_that_would_undo_strongroom_is_refused(name: str) -> None:
    (problem,) = problems_of({"server": {name: "on"}})
    assert "server sets" in problem


@pytest.mark.parametrize(
    "name", ["shared_buffers", "max_connections", "pg_stat_statements.max", "jit", "work_mem"]
)
def test_a_server_setting_that_tunes_is_taken(name: str) -> None:
    assert refused(name) is None


def test_an_own_timeout_is_named_where_postgresqls_would_bind_root_too() -> None:
    (problem,) = problems_of({"server": {"statement_timeout": "1min"}})
    assert "Set strongroom:statementTimeoutSeconds" in problem


def test_every_key_has_a_reader() -> None:
    for key, field in KEYS.items():
        default = getattr(Settings("local"), field)
        assert Settings.parse("local", {key: _written(default)}, "s") == Settings("local")


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings("local").port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        Settings("local").server["fsync"] = "off"  # type: ignore[index]
