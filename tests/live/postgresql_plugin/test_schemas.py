"""postgresql.Schema on a real server."""

import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.schema import Schema, SchemaInputs
from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context, Refusal
from tests.live.postgresql_plugin.life import Life, Root, value, values
from tests.live.postgresql_server import Server

pytestmark = pytest.mark.live


def owner(root: Root, schema: str) -> str | None:
    query = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = %s"
    found = value(root, query, schema)
    return str(found) if found else None


def test_a_schema_is_made_renamed_and_dropped(pg_root: Root, pg_session: Session) -> None:
    schema = Life(Schema(pg_session), name="fresh")
    assert owner(pg_root, "fresh") == "provisioner"
    assert schema.id == "app.fresh"
    assert schema.state == {
        "name": "fresh",
        "database": "app",
        "owner": "provisioner",
        "ifNotExists": True,
        "dropCascade": False,
    }
    assert schema.drift() == set()
    schema.up(name="stale")
    assert owner(pg_root, "fresh") is None
    assert schema.drift() == set()
    schema.destroy()
    assert owner(pg_root, "stale") is None
    assert schema.gone
    schema.destroy()


def test_the_owner_is_set_seen_and_put_back(pg_root: Root, pg_session: Session) -> None:
    pg_root.execute("SET ROLE provisioner; CREATE ROLE administered; RESET ROLE")
    before = values(pg_root, "SELECT m::text FROM pg_auth_members m ORDER BY 1")
    schema = Life(Schema(pg_session), name="owned", owner="administered")
    assert owner(pg_root, "owned") == "administered"
    pg_root.execute("ALTER SCHEMA owned OWNER TO app_owner")
    assert schema.drift() == {"owner"}
    assert schema.state["owner"] == "app_owner"
    schema.up()
    assert owner(pg_root, "owned") == "administered"
    schema.up(name="owned", owner="provisioner")
    assert owner(pg_root, "owned") == "provisioner"
    assert values(pg_root, "SELECT m::text FROM pg_auth_members m ORDER BY 1") == before


def test_a_schema_that_is_there_is_taken_over_and_an_owner_not_named_is_not_minded(
    pg_root: Root, pg_session: Session
) -> None:
    pg_root.execute("ALTER SCHEMA shop OWNER TO app_owner")
    schema = Life(Schema(pg_session), name="shop")
    assert schema.state["owner"] == "app_owner"
    pg_root.execute("ALTER SCHEMA shop OWNER TO provisioner")
    assert schema.drift() == set()


def test_a_schema_with_tables_is_dropped_only_when_told_to_cascade(
    pg_root: Root, pg_session: Session
) -> None:
    with pytest.raises(StrongroomError, match=r"2BP01; table shop.customer.*and \d+ more") as told:
        Life(Schema(pg_session), name="shop").destroy()
    assert "\n" not in str(told.value)
    assert owner(pg_root, "shop")
    Life(Schema(pg_session), name="shop", dropCascade=True).destroy()
    assert owner(pg_root, "shop") is None


def test_a_schema_of_another_database_is_made_there(
    pg_root: Root, pg_session: Session, pg_server: Server
) -> None:
    with pg_server.root("other") as other:
        other.execute("GRANT CREATE ON DATABASE other TO provisioner")
        schema = Life(Schema(pg_session), name="there", database="other")
        assert schema.id == "other.there"
        assert owner(other, "there") == "provisioner"
        assert schema.drift() == set()
        schema.destroy()
        other.execute("REVOKE CREATE ON DATABASE other FROM provisioner")
        with pytest.raises(StrongroomError, match=r"permission denied for database other"):
            Life(Schema(pg_session), name="there", database="other")


def test_a_schema_is_imported_by_database_and_name(pg_root: Root, pg_session: Session) -> None:
    resource = Schema(pg_session)
    found = resource.read(Context(), "app.shop", {})
    assert found
    inputs = SchemaInputs.model_validate(found.inputs)
    assert (inputs.name, inputs.database, inputs.owner) == ("shop", "app", "provisioner")
    diff = resource.diff(Context(), found.outputs, inputs)
    assert diff.updates == diff.replaces == ()
    assert resource.read(Context(), "app.nothing", {}) is None
    assert resource.read(Context(), "nowhere.shop", {}) is None
    with pytest.raises(StrongroomError, match=r"app\.public"):
        resource.read(Context(), "shop", {})


def test_a_preview_knows_the_database_and_policies_are_refused_by_name(
    pg_session: Session,
) -> None:
    resource = Schema(pg_session)
    assert resource.plan(Context(), SchemaInputs(name="fresh")) == {
        "name": "fresh",
        "database": "app",
        "ifNotExists": True,
        "dropCascade": False,
    }
    assert "database" not in Schema(Session()).plan(Context(), SchemaInputs(name="fresh"))
    with pytest.raises(Refusal) as refused:
        SchemaInputs.model_validate({"name": "x", "policies": []})
    assert refused.value.failures[0][0] == "policies"
    assert "objectType schema" in refused.value.failures[0][1]
