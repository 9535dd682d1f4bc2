"""postgresql.Grant on a real server."""

from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.grant import Grant, GrantInputs
from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context, Refusal
from tests.live.postgresql_plugin.life import Life, Root, value, values

pytestmark = pytest.mark.live


@pytest.fixture
def tiers(pg_root: Root) -> Root:
    """Root's session, with two roles of the provisioner's."""
    pg_root.execute("SET ROLE provisioner; CREATE ROLE reader; CREATE ROLE writer; RESET ROLE")
    return pg_root


def acl(root: Root, kind: str, role: str) -> list[str]:
    """What a role holds in the schema shop: ``object PRIVILEGES``, a star for the option."""
    sources = {
        "relation": "SELECT relname AS name, relacl AS acl FROM pg_class "
        "WHERE relnamespace = 'shop'::regnamespace",
        "column": "SELECT attname, attacl FROM pg_attribute WHERE attrelid IN "
        "(SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace)",
        "routine": "SELECT oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)) "
        "FROM pg_proc WHERE pronamespace = 'shop'::regnamespace",
        "schema": "SELECT nspname, nspacl FROM pg_namespace WHERE nspname = 'shop'",
        "database": "SELECT datname, datacl FROM pg_database WHERE datname = 'app'",
    }
    return values(
        root,
        f"SELECT name || ' ' || string_agg(privilege_type || CASE WHEN is_grantable THEN '*' "
        f"ELSE '' END, ',' ORDER BY privilege_type) FROM ({sources[kind]}) AS o (name, acl), "
        "aclexplode(acl) WHERE grantee = CASE %s WHEN 'public' THEN 0 ELSE "
        "to_regrole(%s)::oid END GROUP BY name ORDER BY name",
        role,
        role,
    )


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


def test_a_grant_is_gone_with_its_role_schema_or_database(tiers: Root, pg_session: Session) -> None:
    def usage(database: str) -> Life:
        return Life(
            Grant(pg_session),
            role="reader",
            database=database,
            schema="shop",
            objectType="schema",
            privileges=["USAGE"],
        )

    grant = usage("app")
    tiers.execute("ALTER SCHEMA shop RENAME TO sold")
    assert grant.gone
    grant.destroy()
    tiers.execute("ALTER SCHEMA sold RENAME TO shop")
    tiers.execute("DROP OWNED BY reader; DROP ROLE reader")
    assert grant.gone
    grant.destroy()
    with pytest.raises(StrongroomError, match='database "nowhere" does not exist'):
        usage("nowhere")
    grant.inputs = grant.inputs.model_copy(update={"database": "nowhere"})
    grant.state["database"] = "nowhere"
    assert grant.gone
    grant.destroy()


def test_connect_is_granted_on_a_database_the_provisioner_cannot_enter(
    tiers: Root, pg_session: Session
) -> None:
    tiers.execute("REVOKE ALL ON DATABASE other FROM PUBLIC")
    tiers.execute("GRANT TEMPORARY ON DATABASE other TO provisioner WITH GRANT OPTION")
    inputs = {"role": "reader", "objectType": "database", "privileges": ["TEMPORARY"]}
    grant = Life(Grant(pg_session), **inputs, database="other")
    assert value(tiers, "SELECT has_database_privilege('reader', 'other', 'TEMPORARY')")
    assert grant.drift() == set()
    grant.destroy()
    grant.inputs = grant.inputs.model_copy(update={"database": "nowhere"})
    grant.state["database"] = "nowhere"
    assert grant.gone
    grant.destroy()
    with pytest.raises(StrongroomError, match="no database nowhere"):
        Life(Grant(pg_session), **inputs, database="nowhere")
    tiers.execute("GRANT CONNECT, TEMPORARY ON DATABASE other TO PUBLIC")


def test_a_table_that_is_listed_and_missing_is_seen_and_told(
    tiers: Root, pg_session: Session
) -> None:
    inputs = {"role": "reader", "database": "app", "schema": "shop", "objectType": "table"}
    grant = Life(Grant(pg_session), **inputs, objects=["customer", "Order"], privileges=["SELECT"])
    tiers.execute('DROP TABLE shop."Order" CASCADE')
    assert grant.drift() == {"privileges"}
    with pytest.raises(StrongroomError, match="Order cannot be found as table in schema shop"):
        grant.up()
    grant.destroy()
    with pytest.raises(StrongroomError, match="no role nobody, no database app, no schema shop"):
        Life(Grant(pg_session), **{**inputs, "role": "nobody"}, privileges=["SELECT"])
    with pytest.raises(StrongroomError, match=r"more than one function area.*argument types"):
        Life(
            Grant(pg_session),
            **{**inputs, "objectType": "function"},
            objects=["area"],
            privileges=["EXECUTE"],
        )


def test_success_with_a_warning_is_no_success(tiers: Root, pg_session: Session) -> None:
    tiers.execute("REVOKE GRANT OPTION FOR CREATE ON DATABASE app FROM provisioner")
    with pytest.raises(StrongroomError) as refused:
        Life(
            Grant(pg_session),
            role="reader",
            database="app",
            objectType="database",
            privileges=["CONNECT", "CREATE"],
        )
    told = str(refused.value)
    assert "CREATE is not held (owner root)" in told
    assert 'not all privileges were granted for "app"' in told
    assert acl(tiers, "database", "reader") == []


def test_a_privilege_that_only_root_can_revoke_fails_loudly(
    tiers: Root, pg_session: Session
) -> None:
    grant = Life(
        Grant(pg_session),
        role="reader",
        database="app",
        objectType="database",
        privileges=["CONNECT"],
    )
    tiers.execute("GRANT CREATE ON DATABASE app TO reader")
    assert grant.drift() == {"privileges"}
    assert grant.state["privileges"] == ["CONNECT", "CREATE"]
    for change in (grant.up, grant.destroy):
        with pytest.raises(StrongroomError, match="held beyond it: CREATE by root"):
            change()
    assert acl(tiers, "database", "reader") == ["app CONNECT,CREATE"]


def test_tables_of_an_owner_the_provisioner_only_administers_are_granted_and_nothing_is_kept(
    tiers: Root, pg_session: Session
) -> None:
    tiers.execute("GRANT CREATE, USAGE ON SCHEMA shop TO writer")
    tiers.execute("SET ROLE writer; CREATE TABLE shop.hers (id int); RESET ROLE")
    before = values(tiers, "SELECT m::text FROM pg_auth_members m ORDER BY 1")
    grant = Life(
        Grant(pg_session),
        role="reader",
        database="app",
        schema="shop",
        objectType="table",
        privileges=["SELECT"],
    )
    assert "hers SELECT" in acl(tiers, "relation", "reader")
    assert grant.drift() == set()
    assert values(tiers, "SELECT m::text FROM pg_auth_members m ORDER BY 1") == before


def test_a_table_of_a_stranger_fails_loudly(tiers: Root, pg_session: Session) -> None:
    tiers.execute("CREATE TABLE shop.secret (id int)")
    inputs = {"role": "reader", "database": "app", "schema": "shop", "objectType": "table"}
    with pytest.raises(StrongroomError, match=r"permission denied for table secret \(SQLSTATE 42"):
        Life(Grant(pg_session), **inputs, privileges=["SELECT"])
    assert acl(tiers, "relation", "reader") == []
    # Where it already is as declared, nobody's rights are needed.
    tiers.execute("GRANT SELECT ON shop.secret TO reader")
    Life(Grant(pg_session), **inputs, privileges=["SELECT"])
    assert value(tiers, "SELECT has_table_privilege('reader', 'shop.customer', 'SELECT')")


def test_what_others_were_granted_onward_is_not_revoked_behind_their_back(
    tiers: Root, pg_session: Session
) -> None:
    grant = Life(
        Grant(pg_session),
        role="reader",
        database="app",
        schema="shop",
        objectType="table",
        objects=["customer"],
        privileges=["SELECT"],
        withGrantOption=True,
    )
    tiers.execute("GRANT USAGE ON SCHEMA shop TO reader")
    tiers.execute("SET ROLE reader; GRANT SELECT ON shop.customer TO writer; RESET ROLE")
    with pytest.raises(StrongroomError, match=r"dependent privileges exist \(SQLSTATE 2BP01"):
        grant.destroy()
    assert acl(tiers, "relation", "writer") == ["customer SELECT"]


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"objectType": "foreign_server"}, "objectType", "'foreign_server' is not served"),
        ({"privileges": ["SELECT", "DROP"]}, "privileges", "DROP cannot be granted on a table"),
        ({"privileges": ["select"]}, "privileges", "select cannot be granted"),
        ({"privileges": ["SELECT; DROP TABLE x"]}, "privileges", "cannot be granted"),
        ({"schema": None}, "schema", "in which schema"),
        ({"columns": ["name"]}, "columns", "no columns to name"),
        ({"objectType": "schema", "objects": ["x"]}, "objects", "not by objects"),
        ({"objectType": "column"}, "objects", "exactly one"),
        (
            {"objectType": "column", "objects": ["x"], "privileges": ["SELECT", "UPDATE"]},
            "privileges",
            "one privilege",
        ),
        ({"role": "public", "withGrantOption": True}, "withGrantOption", "never to public"),
    ],
)
def test_what_postgresql_has_no_words_for_is_refused_by_name(
    change: dict[str, Any], name: str, reason: str
) -> None:
    inputs = {
        "role": "reader",
        "database": "app",
        "schema": "shop",
        "objectType": "table",
        "privileges": ["SELECT"],
    }
    resource = Grant(Session())
    with pytest.raises(Refusal) as refused:
        resource.check(Context(), GrantInputs.model_validate({**inputs, **change}), {})
    assert refused.value.failures[0][0] == name
    assert reason in refused.value.failures[0][1]


def test_names_are_quoted_whatever_is_in_them(tiers: Root, pg_session: Session) -> None:
    hostile = 'a"; DROP TABLE shop.customer; --'
    quoted = '"' + hostile.replace('"', '""') + '"'
    tiers.execute(f"SET ROLE app_owner; CREATE TABLE shop.{quoted} ({quoted} int); RESET ROLE")
    tiers.execute(
        f"SET ROLE app_owner; CREATE FUNCTION shop.{quoted}() RETURNS int LANGUAGE sql "
        "AS 'SELECT 1'; RESET ROLE"
    )
    tiers.execute(f"SET ROLE provisioner; CREATE ROLE {quoted}; RESET ROLE")
    common = {"role": hostile, "database": "app", "schema": "shop", "objects": [hostile]}
    for kind, privilege, more in (
        ("table", "SELECT", {}),
        ("function", "EXECUTE", {}),
        ("column", "UPDATE", {"columns": [hostile]}),
    ):
        grant = Life(Grant(pg_session), **common, **more, objectType=kind, privileges=[privilege])
        assert grant.drift() == set()
        grant.destroy()
    assert value(tiers, "SELECT to_regclass('shop.customer')")
