"""postgresql.Role at its edges: taken over, imported, refused and dropped."""

from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.role import Role
from strongroom.provider.postgresql.role_properties import RoleInputs
from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context, Refusal
from tests.live.postgresql_plugin.life import Life, Root, memberships, value
from tests.live.postgresql_server import Server

pytestmark = pytest.mark.live


def test_a_role_that_a_killed_run_left_behind_is_taken_over(
    pg_root: Root, pg_session: Session
) -> None:
    Life(Role(pg_session), name="tier_reader")
    Life(Role(pg_session), name="ada", login=True, roles=["tier_reader"])
    again = Life(Role(pg_session), name="ada", login=True, roles=["tier_reader"])
    assert again.drift() == set()


def test_a_role_that_is_there_and_is_another_is_left_alone(
    pg_root: Root, pg_session: Session
) -> None:
    pg_root.execute("CREATE ROLE ada LOGIN CREATEDB")
    with pytest.raises(StrongroomError, match=r"create_database is True.*no ADMIN.*pulumi import"):
        Life(Role(pg_session), name="ada", login=True)
    assert value(pg_root, "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'ada'")


def test_what_a_deleted_role_owned_goes_to_the_provisioner(
    pg_root: Root, pg_session: Session
) -> None:
    role = Life(Role(pg_session), name="ada", login=True)
    pg_root.execute("GRANT CREATE, USAGE ON SCHEMA shop TO ada")
    pg_root.execute("SET ROLE ada; CREATE TABLE shop.notes (text text); RESET ROLE")
    pg_root.execute("ALTER DEFAULT PRIVILEGES FOR ROLE ada GRANT SELECT ON TABLES TO app_owner")
    role.destroy()
    assert value(pg_root, "SELECT count(*) FROM pg_roles WHERE rolname = 'ada'") == 0
    assert value(pg_root, "SELECT tableowner FROM pg_tables WHERE tablename = 'notes'") == (
        "provisioner"
    )
    assert memberships(pg_root, "provisioner") == ["app_owner by root ADMIN INHERIT SET"]
    role.destroy()


def test_a_role_that_owns_something_elsewhere_is_not_dropped_and_the_error_says_where(
    pg_root: Root, pg_session: Session, pg_server: Server
) -> None:
    role = Life(Role(pg_session), name="ada")
    with pg_server.root("other") as other:
        other.execute("CREATE TABLE public.hers (text text)")
        other.execute("ALTER TABLE public.hers OWNER TO ada")
    with pytest.raises(StrongroomError, match="1 object in database other"):
        role.destroy()
    assert not role.gone


def test_a_role_with_nothing_is_dropped_past_a_guard_on_drop_owned(
    pg_root: Root, pg_session: Session
) -> None:
    pg_root.execute(
        "CREATE FUNCTION shop.refuse() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE 'guarded' USING ERRCODE = '42501', HINT = 'say its name'; END$$"
    )
    pg_root.execute(
        "CREATE EVENT TRIGGER guard ON ddl_command_start WHEN TAG IN ('DROP OWNED') "
        "EXECUTE FUNCTION shop.refuse()"
    )
    Life(Role(pg_session), name="tier_reader")
    Life(Role(pg_session), name="ada", login=True, roles=["tier_reader"]).destroy()
    service = Life(Role(pg_session), name="service", login=True)
    pg_root.execute("GRANT SELECT ON shop.customer TO service")
    with pytest.raises(StrongroomError, match=r"guarded .*say its name"):
        service.destroy()
    assert not service.gone


def test_deleting_keeps_what_it_was_told_to_skip(pg_root: Root, pg_session: Session) -> None:
    kept = Life(Role(pg_session), name="kept", skipDropRole=True, skipReassignOwned=True)
    pg_root.execute("GRANT SELECT ON shop.customer TO kept")
    kept.destroy()
    assert value(pg_root, "SELECT has_table_privilege('kept', 'shop.customer', 'SELECT')")
    stuck = Life(Role(pg_session), name="stuck", skipReassignOwned=True)
    pg_root.execute("GRANT SELECT ON shop.customer TO stuck")
    with pytest.raises(StrongroomError, match=r"2BP01; privileges for table shop.customer"):
        stuck.destroy()


def test_a_role_is_imported_by_its_name(pg_root: Root, pg_session: Session) -> None:
    pg_root.execute("CREATE ROLE old LOGIN CONNECTION LIMIT 2 VALID UNTIL '2030-01-01 00:00+00'")
    pg_root.execute("ALTER ROLE old SET statement_timeout = '1min'; GRANT app_owner TO old")
    found = Role(pg_session).read(Context(), "old", {})
    assert found
    assert found.id == "old"
    inputs = RoleInputs.model_validate(found.inputs)
    assert inputs.login
    assert inputs.connection_limit == 2
    assert inputs.statement_timeout == 60000
    assert inputs.valid_until == "2030-01-01 00:00:00+00"
    assert inputs.roles == ["app_owner"]
    assert Role(pg_session).diff(Context(), found.outputs, inputs).updates == ()
    assert Role(pg_session).read(Context(), "nobody", {}) is None


def test_a_name_left_out_is_made_from_the_logical_name_and_kept(pg_session: Session) -> None:
    role = Life(Role(pg_session))
    name = role.state["name"]
    assert name.startswith("named-")
    assert len(name) == len("named-") + 7
    role.up(login=True)
    assert role.state["name"] == name


@pytest.mark.parametrize(
    ("inputs", "name", "reason"),
    [
        # Without a name, because the engine prints the value of what is refused by name.
        ({"password": "hunter2"}, "", "password: no role gets a password here: people"),
        ({"passwordWo": "hunter2"}, "", "passwordWo: no role gets a password here"),
        ({"passwordWoVersion": "1"}, "passwordWoVersion", "certificates"),
        ({"encrypted": "true"}, "encrypted", "deprecated"),
        ({"name": "x" * 64}, "name", "64 bytes"),
        ({"name": "é" * 32}, "name", "64 bytes"),
        ({"name": "pg_mine"}, "name", "kept by PostgreSQL"),
        ({"name": "public"}, "name", "kept by PostgreSQL"),
    ],
)
def test_what_is_not_served_is_refused_by_name(
    inputs: dict[str, Any], name: str, reason: str
) -> None:
    resource = Role(Session())
    with pytest.raises(Refusal) as refused:
        resource.check(Context(), RoleInputs.model_validate(inputs), {})
    assert refused.value.failures[0][0] == name
    assert reason in refused.value.failures[0][1]
    assert "hunter2" not in str(refused.value)


def test_a_role_the_provisioner_may_not_make_is_refused_in_one_paragraph(
    pg_root: Root, pg_session: Session
) -> None:
    with pytest.raises(StrongroomError) as refused:
        Life(Role(pg_session), name="almighty", superuser=True)
    told = str(refused.value)
    assert "create role almighty" in told
    assert "42501" in told
    assert "Nothing was changed" in told
    assert "\n" not in told
    with pytest.raises(StrongroomError, match=r'role "nobody" does not exist \(SQLSTATE 42704'):
        Life(Role(pg_session), name="ada", roles=["nobody"])
    assert value(pg_root, "SELECT count(*) FROM pg_roles WHERE rolname = 'ada'") == 0
    with pytest.raises(StrongroomError, match="Write the time as"):
        Life(Role(pg_session), name="ada", validUntil="next summer")
