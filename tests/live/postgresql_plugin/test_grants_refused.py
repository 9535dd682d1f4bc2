"""postgresql.Grant where it cannot be done, or only halfway: told, and nothing changed."""

from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.grant import Grant, GrantInputs
from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context, Refusal
from tests.live.postgresql_plugin.life import Life, Root, acl, value, values

pytestmark = pytest.mark.live


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
