"""The postgresql package as the engine sees it; needs no server."""

import importlib.metadata
import json
import warnings
from typing import Any

import pytest
from pydantic import ValidationError

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.plugin import VERSION, PostgresqlPlugin
from strongroom.provider.postgresql.settings import Settings, problems
from strongroom.provider.values import UNKNOWN

with warnings.catch_warnings():
    # The SDK warns of a name of its own that it has replaced.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_postgresql


@pytest.fixture
def schema() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(PostgresqlPlugin().schema())
    return described


def test_the_package_has_the_name_and_version_the_sdk_asks_for(schema: dict[str, Any]) -> None:
    assert schema["name"] == "postgresql"
    assert schema["version"] == VERSION == importlib.metadata.version("pulumi-postgresql")


@pytest.mark.parametrize(
    "resource",
    [
        pulumi_postgresql.DefaultPrivileges,
        pulumi_postgresql.Grant,
        pulumi_postgresql.GrantRole,
        pulumi_postgresql.Role,
        pulumi_postgresql.Schema,
    ],
)
def test_every_property_is_one_of_the_sdks_and_the_rest_is_refused_with_a_reason(
    resource: type, schema: dict[str, Any]
) -> None:
    plugin = PostgresqlPlugin()
    token = next(token for token in schema["resources"] if token.endswith(f":{resource.__name__}"))
    served = set(schema["resources"][token]["inputProperties"])
    refused = set(plugin.resources[token].Inputs.refused)  # type: ignore[attr-defined]
    known = {
        getattr(each.fget, "_pulumi_name", name)
        for name, each in vars(resource).items()
        if isinstance(each, property)
    }
    assert known
    assert served | refused == known


def test_a_type_that_is_not_served_is_refused_by_name() -> None:
    urn = "urn:pulumi:s::p::postgresql:index/database:Database::db"
    with pytest.raises(StrongroomError, match=r"postgresql:index/database:Database is not served"):
        PostgresqlPlugin().resource(urn)


def test_settings_come_as_strings_and_json_in_strings_with_the_engines_own() -> None:
    settings = Settings.parse(
        {
            "host": "db",
            "port": "6432",
            "superuser": "false",
            "connectTimeout": "5",
            "maxConnections": "4",
            "clientcert": '{"cert": "/c", "key": "/k", "sslinline": false}',
            "expectedVersion": "17.0.0",
            "version": "3.18.2",
            "__internal": {},
            "awsRdsIamAuth": "false",
        }
    )
    assert settings.parameters("app") == {
        "host": "db",
        "port": 6432,
        "dbname": "app",
        "user": "postgres",
        "sslmode": "require",
        "sslcert": "/c",
        "sslkey": "/k",
        "connect_timeout": 5,
    }
    assert settings.default_database == "postgres"
    assert Settings.parse({"clientcert": {"cert": "/c", "key": "/k"}}).clientcert


def test_what_is_left_out_of_the_settings_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGUSER", "ada")
    monkeypatch.setenv("PGDATABASE", "books")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    parameters = Settings.parse({}).parameters("app")
    assert (parameters["user"], parameters["sslmode"]) == ("ada", "verify-full")
    assert Settings.parse({}).default_database == "books"


@pytest.mark.parametrize(
    ("values", "name", "reason"),
    [
        ({"azureTenantId": "x"}, "azureTenantId", "official plugin"),
        ({"sslMode": "require"}, "sslMode", "say sslmode"),
        ({"scheme": "awspostgres"}, "scheme", "postgres"),
        ({"port": "http"}, "port", "integer"),
        ({"sslmode": "maybe"}, "sslmode", "verify-full"),
        ({"clientcert": '{"cert": "/c"}'}, "clientcert", "cert and key"),
        ({"clientcert": "nonsense"}, "clientcert", "Expecting value"),
        (
            {"clientcert": '{"cert": "C", "key": "K", "sslinline": true}'},
            "clientcert",
            "private key into Pulumi's state",
        ),
        ({"sslcrl": "/x"}, "sslcrl", "not permitted"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name(
    values: dict[str, Any], name: str, reason: str
) -> None:
    ((refused, why),) = problems(values)
    assert refused == name
    assert reason in why


def test_settings_not_known_yet_are_not_judged_and_everything_else_is() -> None:
    assert problems({"host": UNKNOWN, "port": UNKNOWN, "clientcert": UNKNOWN}) == []
    assert [name for name, _ in problems({"host": UNKNOWN, "scheme": "mysql"})] == ["scheme"]
    plugin = PostgresqlPlugin()
    plugin.configure({"host": UNKNOWN})
    assert plugin.session.settings is None
    plugin.configure({"host": "db"})
    assert plugin.session.settings == Settings(host="db")


def test_a_password_is_taken_and_never_shown() -> None:
    settings = Settings.parse({"password": "hunter2"})
    assert settings.parameters("app")["password"] == "hunter2"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(problems({"password": "hunter2", "port": "x"}))
    # Without a name, because the engine prints the value of what is refused by name.
    ((name, reason),) = problems({"password": ["hunter2"]})
    assert name == ""
    assert reason.startswith("password: ")
    with pytest.raises(ValidationError) as refused:
        Settings.parse({"password": ["hunter2"]})
    assert "hunter2" not in str(refused.value.errors(include_input=False))
