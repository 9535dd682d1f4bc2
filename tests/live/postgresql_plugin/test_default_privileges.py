"""postgresql.DefaultPrivileges on a real server."""

from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.default_privileges import (
    DefaultPrivileges,
    DefaultPrivilegesInputs,
)
from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context, Refusal
from tests.live.postgresql_plugin.life import Life, Root, value, values

pytestmark = pytest.mark.live

COMMON = {"role": "reader", "database": "app", "owner": "app_owner"}


@pytest.fixture
def reader(pg_root: Root) -> Root:
    """Root's session, with a role of the provisioner's."""
    pg_root.execute("SET ROLE provisioner; CREATE ROLE reader; RESET ROLE")
    return pg_root


def defaults(root: Root) -> list[str]:
    return values(
        root,
        "SELECT concat_ws(' ', defaclrole::regrole, defaclobjtype, nspname, "
        "defaclacl::text) FROM pg_default_acl LEFT JOIN pg_namespace n ON n.oid = defaclnamespace "
        "ORDER BY 1",
    )


def test_future_tables_come_with_the_privileges_and_the_default_ends_with_the_resource(
    reader: Root, pg_session: Session
) -> None:
    default = Life(
        DefaultPrivileges(pg_session),
        **COMMON,
        schema="shop",
        objectType="table",
        privileges=["SELECT", "INSERT"],
    )
    assert default.id == "reader_app_shop_app_owner_table"
    assert defaults(reader) == ["app_owner r shop {reader=ar/app_owner}"]
    reader.execute("SET ROLE app_owner; CREATE TABLE shop.later (id int); RESET ROLE")
    assert value(reader, "SELECT has_table_privilege('reader', 'shop.later', 'INSERT')")
    default.up(**{**default.state, "privileges": ["SELECT"]})
    assert defaults(reader) == ["app_owner r shop {reader=r/app_owner}"]
    assert default.drift() == set()
    default.destroy()
    assert defaults(reader) == []
    default.destroy()


@pytest.mark.parametrize(
    ("inputs", "stored", "identity"),
    [
        (
            {"objectType": "sequence", "privileges": ["ALL"]},
            "app_owner S {app_owner=rwU/app_owner,reader=rwU/app_owner}",
            "reader_app_noschema_app_owner_sequence",
        ),
        (
            {"objectType": "table", "schema": "shop", "privileges": ["ALL"]},
            "app_owner r shop {reader=arwdDxtm/app_owner}",
            "reader_app_shop_app_owner_table",
        ),
        (
            {"objectType": "function", "privileges": ["EXECUTE"], "withGrantOption": True},
            "app_owner f {=X/app_owner,app_owner=X/app_owner,reader=X*/app_owner}",
            "reader_app_noschema_app_owner_function",
        ),
        (
            {"objectType": "routine", "schema": "shop", "privileges": ["EXECUTE"]},
            "app_owner f shop {reader=X/app_owner}",
            "reader_app_shop_app_owner_routine",
        ),
        (
            {"objectType": "type", "privileges": ["USAGE"]},
            "app_owner T {=U/app_owner,app_owner=U/app_owner,reader=U/app_owner}",
            "reader_app_noschema_app_owner_type",
        ),
        (
            {"objectType": "schema", "privileges": ["USAGE", "CREATE"]},
            "app_owner n {app_owner=UC/app_owner,reader=UC/app_owner}",
            "reader_app_noschema_app_owner_schema",
        ),
        (
            {"role": "public", "objectType": "routine", "privileges": []},
            "app_owner f {app_owner=X/app_owner}",
            "public_app_noschema_app_owner_routine",
        ),
    ],
)
def test_every_kind_of_default_is_set_seen_lost_and_put_back(
    reader: Root, pg_session: Session, inputs: dict[str, Any], stored: str, identity: str
) -> None:
    default = Life(DefaultPrivileges(pg_session), **{**COMMON, **inputs})
    assert default.id == identity
    assert defaults(reader) == [stored]
    assert default.drift() == set()
    place = "IN SCHEMA shop" if "schema" in inputs else ""
    objects = f"{inputs['objectType']}S"
    lost = f"REVOKE ALL ON {objects} FROM reader"
    change = lost if inputs["privileges"] else f"GRANT ALL ON {objects} TO PUBLIC"
    reader.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE app_owner {place} {change}")
    assert defaults(reader) == []
    if inputs["privileges"]:
        assert default.gone
        Life(DefaultPrivileges(pg_session), **{**COMMON, **inputs})
    else:
        assert default.drift() == {"privileges"}
        assert default.state["privileges"] == ["EXECUTE"]
        default.up()
    assert defaults(reader) == [stored]


@pytest.mark.parametrize(
    ("by_hand", "seen", "state"),
    [
        ("GRANT DELETE ON TABLES TO reader", "privileges", ["DELETE", "INSERT", "SELECT"]),
        ("REVOKE INSERT ON TABLES FROM reader", "privileges", ["SELECT"]),
        ("GRANT SELECT ON TABLES TO reader WITH GRANT OPTION", "withGrantOption", True),
    ],
)
def test_a_default_changed_by_hand_is_seen_as_it_is_and_put_back(
    reader: Root, pg_session: Session, by_hand: str, seen: str, state: object
) -> None:
    default = Life(
        DefaultPrivileges(pg_session),
        **COMMON,
        schema="shop",
        objectType="table",
        privileges=["SELECT", "INSERT"],
    )
    before = defaults(reader)
    reader.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop {by_hand}")
    assert default.drift() == {seen}
    assert default.state[seen] == state
    default.up()
    assert defaults(reader) == before
    assert default.drift() == set()


def test_an_owner_the_provisioner_only_administers_is_lent_and_given_back(
    reader: Root, pg_session: Session
) -> None:
    reader.execute("SET ROLE provisioner; CREATE ROLE service; RESET ROLE")
    before = values(reader, "SELECT m::text FROM pg_auth_members m ORDER BY 1")
    Life(
        DefaultPrivileges(pg_session),
        **{**COMMON, "owner": "service"},
        objectType="table",
        privileges=["SELECT"],
    )
    assert defaults(reader) == ["service r {reader=r/service,service=arwdDxtm/service}"]
    assert values(reader, "SELECT m::text FROM pg_auth_members m ORDER BY 1") == before


def test_a_default_is_gone_with_its_role_and_a_strangers_defaults_are_refused(
    reader: Root, pg_session: Session
) -> None:
    inputs = {**COMMON, "schema": "shop", "objectType": "table", "privileges": ["SELECT"]}
    default = Life(DefaultPrivileges(pg_session), **inputs)
    reader.execute("DROP OWNED BY reader; DROP ROLE reader")
    assert default.gone
    default.destroy()
    with pytest.raises(StrongroomError, match="no role reader or schema shop"):
        Life(DefaultPrivileges(pg_session), **inputs)
    with pytest.raises(StrongroomError, match="42501"):
        Life(DefaultPrivileges(pg_session), **{**inputs, "owner": "root", "role": "public"})


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"objectType": "database"}, "objectType", "'database' has no default privileges"),
        ({"objectType": "schema"}, "schema", "schemas lie in no schema"),
        ({"privileges": ["EXECUTE"]}, "privileges", "EXECUTE cannot be granted on a table"),
        ({"role": "public", "withGrantOption": True}, "withGrantOption", "never to public"),
    ],
)
def test_defaults_there_are_none_of_are_refused_by_name(
    change: dict[str, Any], name: str, reason: str
) -> None:
    inputs = {**COMMON, "schema": "shop", "objectType": "table", "privileges": ["SELECT"]}
    model = DefaultPrivilegesInputs.model_validate({**inputs, **change})
    with pytest.raises(Refusal) as refused:
        DefaultPrivileges(Session()).check(Context(), model, {})
    assert refused.value.failures[0][0] == name
    assert reason in refused.value.failures[0][1]
