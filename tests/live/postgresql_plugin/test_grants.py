"""postgresql.Grant on a real server."""

from typing import Any

import pytest

from strongroom.provider.postgresql.grant import Grant
from strongroom.provider.postgresql.session import Session
from tests.live.postgresql_plugin.life import Life, Root, acl

pytestmark = pytest.mark.live


def test_every_table_of_a_schema_is_granted_views_included(
    tiers: Root, pg_session: Session
) -> None:
    grant = Life(
        Grant(pg_session),
        role="reader",
        database="app",
        schema="shop",
        objectType="table",
        privileges=["SELECT", "MAINTAIN"],
    )
    assert acl(tiers, "relation", "reader") == [
        "Order MAINTAIN,SELECT",
        "customer MAINTAIN,SELECT",
        "totals MAINTAIN,SELECT",
    ]
    assert grant.id == "reader_app_shop_table"
    assert grant.drift() == set()
    grant.up(**{**grant.state, "privileges": ["INSERT"]})
    assert acl(tiers, "relation", "reader") == ["Order INSERT", "customer INSERT", "totals INSERT"]
    grant.destroy()
    assert acl(tiers, "relation", "reader") == []
    grant.destroy()


@pytest.mark.parametrize(
    ("inputs", "kind", "held", "identity"),
    [
        (
            {"objectType": "database", "privileges": ["CONNECT", "TEMPORARY"]},
            "database",
            ["app CONNECT,TEMPORARY"],
            "reader_app_database",
        ),
        (
            {"objectType": "schema", "schema": "shop", "privileges": ["ALL"]},
            "schema",
            ["shop CREATE,USAGE"],
            "reader_app_shop_schema",
        ),
        (
            {
                "objectType": "table",
                "schema": "shop",
                "objects": ["Order", "customer"],
                "privileges": ["ALL"],
                "withGrantOption": True,
            },
            "relation",
            [
                f"{table} DELETE*,INSERT*,MAINTAIN*,REFERENCES*,SELECT*,TRIGGER*,TRUNCATE*,UPDATE*"
                for table in ("Order", "customer")
            ],
            "reader_app_shop_table_Order_customer",
        ),
        (
            {"objectType": "sequence", "schema": "shop", "privileges": ["USAGE"]},
            "relation",
            ["Order_id_seq USAGE", "customer_id_seq USAGE"],
            "reader_app_shop_sequence",
        ),
        (
            {
                "objectType": "function",
                "schema": "shop",
                "objects": ["area(text)"],
                "privileges": ["EXECUTE"],
            },
            "routine",
            ["shop.area(text) EXECUTE"],
            "reader_app_shop_function_area(text)",
        ),
        (
            {"objectType": "procedure", "schema": "shop", "privileges": ["EXECUTE"]},
            "routine",
            ["shop.tidy() EXECUTE"],
            "reader_app_shop_procedure",
        ),
        (
            {"objectType": "routine", "schema": "shop", "privileges": ["EXECUTE"]},
            "routine",
            [
                "shop.area(integer,integer) EXECUTE",
                "shop.area(text) EXECUTE",
                "shop.tidy() EXECUTE",
            ],
            "reader_app_shop_routine",
        ),
        (
            {
                "objectType": "column",
                "schema": "shop",
                "objects": ["customer"],
                "columns": ["name", "email"],
                "privileges": ["UPDATE"],
            },
            "column",
            ["email UPDATE", "name UPDATE"],
            "reader_app_shop_column_customer_name_email",
        ),
    ],
)
def test_every_kind_of_object_is_granted_seen_and_revoked(
    tiers: Root,
    pg_session: Session,
    inputs: dict[str, Any],
    kind: str,
    held: list[str],
    identity: str,
) -> None:
    grant = Life(Grant(pg_session), role="reader", database="app", **inputs)
    assert acl(tiers, kind, "reader") == held
    assert sorted(grant.id.split("_")) == sorted(identity.split("_"))
    assert grant.drift() == set()
    grant.destroy()
    assert acl(tiers, kind, "reader") == []
    assert grant.drift()
    grant.up()
    assert acl(tiers, kind, "reader") == held
    assert grant.drift() == set()


@pytest.mark.parametrize(
    ("by_hand", "seen", "state"),
    [
        ("GRANT DELETE ON shop.customer TO reader", "privileges", ["DELETE", "INSERT", "SELECT"]),
        ("REVOKE SELECT ON shop.customer FROM reader", "privileges", ["INSERT"]),
        (
            'REVOKE SELECT ON shop.customer FROM reader; GRANT TRUNCATE ON shop."Order" TO reader',
            "privileges",
            ["INSERT", "TRUNCATE"],
        ),
        ("REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM reader", "privileges", []),
        ("CREATE TABLE shop.added (id int)", "privileges", []),
        ("GRANT SELECT ON shop.customer TO reader WITH GRANT OPTION", "withGrantOption", True),
    ],
)
def test_what_is_done_to_privileges_by_hand_is_seen_as_it_is_and_put_back(
    tiers: Root, pg_session: Session, by_hand: str, seen: str, state: object
) -> None:
    grant = Life(
        Grant(pg_session),
        role="reader",
        database="app",
        schema="shop",
        objectType="table",
        privileges=["SELECT", "INSERT"],
    )
    tiers.execute(f"SET ROLE app_owner; {by_hand}; RESET ROLE")
    # As often as one looks: a refresh that is kept must not become the measure of the next.
    for _ in range(3):
        assert grant.drift() == {seen}
        assert grant.state[seen] == state
    assert "reader: on shop." in grant.said[-1]
    grant.up()
    assert grant.drift() == set()
    assert set(acl(tiers, "relation", "reader")) >= {
        "Order INSERT,SELECT",
        "customer INSERT,SELECT",
    }


def test_a_revoked_column_is_seen_and_other_columns_are_not_this_grants_business(
    tiers: Root, pg_session: Session
) -> None:
    both = {"role": "reader", "database": "app", "schema": "shop", "objectType": "column"}
    inputs = {**both, "objects": ["customer"], "columns": ["name", "email"]}
    read = Life(Grant(pg_session), **inputs, privileges=["SELECT"])
    write = Life(Grant(pg_session), **{**inputs, "columns": ["name"]}, privileges=["UPDATE"])
    assert read.drift() == write.drift() == set()
    tiers.execute("REVOKE SELECT (email) ON shop.customer FROM reader")
    assert write.drift() == set()
    for _ in range(2):
        assert read.drift() == {"columns"}
        assert read.state["columns"] == ["name"]
    tiers.execute("GRANT SELECT (email) ON shop.customer TO reader")
    assert read.drift() == set()
    tiers.execute("REVOKE SELECT (email) ON shop.customer FROM reader")
    assert read.drift() == {"columns"}
    read.up()
    assert acl(tiers, "column", "reader") == ["email SELECT", "name SELECT,UPDATE"]


def test_public_is_revoked_by_a_grant_of_nothing_defaults_included(
    tiers: Root, pg_session: Session
) -> None:
    assert len(acl(tiers, "routine", "public")) == 3
    grant = Life(
        Grant(pg_session),
        role="public",
        database="app",
        schema="shop",
        objectType="routine",
        privileges=[],
    )
    assert acl(tiers, "routine", "public") == []
    assert grant.drift() == set()
    tiers.execute("GRANT EXECUTE ON PROCEDURE shop.tidy TO PUBLIC")
    assert grant.drift() == {"privileges"}
    grant.up()
    assert acl(tiers, "routine", "public") == []
