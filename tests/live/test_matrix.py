"""The matrix: what was done by hand is read, put right where it can be, and named where not."""

from collections.abc import Iterator

import pytest

from strongroom.bootstrap.borrowing import borrowed
from strongroom.errors import StrongroomError
from strongroom.provider.access.matrix import Matrix
from strongroom.provider.access.memberships import Memberships
from strongroom.provider.resource import Refusal
from strongroom.rights.comparison import strangers
from strongroom.rights.declared import declared
from strongroom.rights.inspection import seen_within
from strongroom.rights.rules import memberships
from strongroom.rights.standing import standings
from strongroom.rights.stated import stated
from tests.live.conftest import Session
from tests.live.local_stack import MEMBERS, SERVICES, LocalStack, Managed

pytestmark = pytest.mark.live
BOTH_KINDS_OF_ROOT = True

PEOPLE_RIGHTS = declared(("app",), MEMBERS, SERVICES)
RIGHTS = {role: stated(held) for role, held in PEOPLE_RIGHTS.items()}

#: Done by whoever may do everything, told in the preview, and put right by `up`.
PUT_RIGHT = {
    "GRANT DELETE, UPDATE ON app.before TO esra WITH GRANT OPTION": (
        "esra has DELETE WITH GRANT OPTION, UPDATE WITH GRANT OPTION on app.before, "
        "granted to esra by app_owner"
    ),
    "GRANT UPDATE (body) ON app.before TO esra": (
        "esra has UPDATE on column app.before.body, granted to esra by app_owner"
    ),
    "GRANT UPDATE ON ALL SEQUENCES IN SCHEMA app TO chiara": (
        "chiara has UPDATE on all 2 sequences in app, granted to chiara by app_owner"
    ),
    "GRANT TRUNCATE ON app.after TO tier_writer": (
        "chiara and tier_writer have TRUNCATE on app.after through tier_writer, "
        "granted to tier_writer by app_owner"
    ),
    "GRANT CREATE ON SCHEMA app TO web": (
        "web has CREATE on schema app, granted to web by provisioner"
    ),
    "GRANT EXECUTE ON FUNCTION app.report() TO PUBLIC": (
        "everybody has EXECUTE on routine app.report(), granted to PUBLIC by app_owner"
    ),
    "REVOKE SELECT ON ALL TABLES IN SCHEMA app FROM tier_reader": (
        "tier_reader lacks SELECT on all 2 tables in app; with it ada, chiara, dmitri and 3 more"
    ),
    "REVOKE USAGE ON SCHEMA app FROM web": "web lacks USAGE on schema app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT DELETE ON TABLES TO esra": (
        "esra has DELETE on future tables in app that app_owner makes, granted to esra by app_owner"
    ),
    "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT USAGE ON SEQUENCES TO esra": (
        "esra has USAGE on future sequences that app_owner makes, granted to esra by app_owner"
    ),
    "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app "
    "REVOKE INSERT ON TABLES FROM tier_writer": "tier_writer lacks INSERT on future tables in app",
}

#: Beyond the provisioner's reach: what is done, how it is told, and what undoes it.
NAMED = [
    ("GRANT TEMPORARY ON DATABASE app TO esra", "esra has TEMPORARY on database app",
     "REVOKE TEMPORARY ON DATABASE app FROM esra"),
    ("GRANT CONNECT ON DATABASE postgres TO PUBLIC", "everybody has CONNECT on database postgres",
     "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "everybody has CREATE on schema public",
     "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    ("ALTER ROLE chiara CREATEDB", "chiara has the attribute CREATEDB",
     "ALTER ROLE chiara NOCREATEDB"),
    ("ALTER TABLE app.before OWNER TO esra", "esra owns app.before",
     "ALTER TABLE app.before OWNER TO app_owner"),
    ("GRANT pg_read_all_data TO esra", "esra has the rights of pg_read_all_data",
     "REVOKE pg_read_all_data FROM esra"),
    ("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO web",
     "web has EXECUTE on routine pg_catalog.pg_read_file(text)",
     "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM web"),
    ("GRANT tier_full TO esra WITH INHERIT FALSE, SET FALSE, ADMIN TRUE",
     "esra can give itself the rights of tier_full", "REVOKE tier_full FROM esra"),
    ("GRANT ddl_gate TO chiara WITH INHERIT FALSE", "chiara can SET ROLE app_owner and ddl_gate",
     "REVOKE ddl_gate FROM chiara"),
    ("CREATE ROLE eve LOGIN; GRANT tier_reader TO eve",
     "eve (a role nobody declared) has the rights of tier_reader", "DROP ROLE eve"),
    ("ALTER ROLE dmitri NOLOGIN", "dmitri is missing, or has NOLOGIN", "ALTER ROLE dmitri LOGIN"),
    ("ALTER ROLE tier_full LOGIN", "tier_full has the attribute LOGIN",
     "ALTER ROLE tier_full NOLOGIN"),
]  # fmt: skip


@pytest.fixture
def matrix(stack: LocalStack) -> Iterator[Managed]:
    sealed = Managed(Memberships(), "memberships")
    sealed.create(sign_in=stack.parameters("provisioner"), members=memberships(MEMBERS, SERVICES))
    made = Managed(Matrix(), "matrix")
    made.create(sign_in=stack.parameters("provisioner"), schemas=["app"], effective=RIGHTS)
    yield made
    assert made.refresh() == []


def test_rights_as_declared_are_no_drift_for_either_kind_of_root(matrix: Managed) -> None:
    assert matrix.refresh() == []
    assert matrix.preview().updates == ()


@pytest.mark.parametrize("statement", PUT_RIGHT)
def test_what_was_granted_or_revoked_by_hand_is_told_and_put_right(
    matrix: Managed, superuser: Session, statement: str
) -> None:
    superuser.execute(statement.encode())
    assert matrix.refresh() == [PUT_RIGHT[statement]]
    assert matrix.up().updates == ("drift",)
    assert matrix.refresh() == []


@pytest.mark.parametrize(("statement", "told", "undo"), NAMED)
def test_what_cannot_be_put_right_fails_by_name(
    matrix: Managed, superuser: Session, statement: str, told: str, undo: str
) -> None:
    superuser.execute("SET strongroom.confirm = 'change owner of table app.before'")
    superuser.execute(statement.encode())
    try:
        assert any(told in sentence for sentence in matrix.refresh()), matrix.refresh()
        with pytest.raises(StrongroomError, match="are not as declared") as failed:
            matrix.up()
        assert told in str(failed.value)
    finally:
        superuser.execute(undo.encode())


def test_a_role_nobody_declared_that_can_do_nothing_is_left_alone(
    matrix: Managed, superuser: Session
) -> None:
    superuser.execute("CREATE ROLE bystander LOGIN")
    try:
        assert matrix.refresh() == []
    finally:
        superuser.execute("DROP ROLE bystander")


def test_a_role_that_only_sounds_like_rds_is_a_stranger(stack: LocalStack) -> None:
    with (
        stack.root() as root,
        root.transaction(force_rollback=True),
        borrowed(root, "provisioner"),
    ):
        root.execute("CREATE ROLE rds_backdoor LOGIN; GRANT tier_full TO rds_backdoor")
        found = seen_within(root)
    on_rds = "rdsadmin" in found.roles
    assert strangers(found, standings(("app",), PEOPLE_RIGHTS)) == (
        [] if on_rds else ["rds_backdoor"]
    )


def test_a_change_is_said_for_each_person_with_what_it_reaches(matrix: Managed) -> None:
    before = dict(RIGHTS)
    after = {**before, "esra": RIGHTS["chiara"], "chiara": RIGHTS["esra"]}
    matrix.preview(effective=after)
    changed = "INSERT, UPDATE on tables in app; {} USAGE on sequences in app (2 tables, 1 schema)"
    assert matrix.said == [
        f"chiara: - {changed.format('-')}",
        f"esra: + {changed.format('+')}",
    ]


def test_a_name_that_looks_like_sql_is_a_name(matrix: Managed, superuser: Session) -> None:
    odd = '"x(integer) FROM PUBLIC; DROP TABLE app.after; --"'
    superuser.execute("SET ROLE app_owner")
    superuser.execute(f"CREATE TABLE app.{odd} ({odd} int)".encode())
    superuser.execute(
        f"CREATE FUNCTION app.{odd}(a app.{odd}) RETURNS int LANGUAGE sql RETURN 1".encode()
    )
    superuser.execute(f"GRANT EXECUTE ON FUNCTION app.{odd} TO esra".encode())
    superuser.execute(f"GRANT UPDATE ({odd}), DELETE ON app.{odd} TO esra".encode())
    try:
        assert len(matrix.refresh()) == 3
        matrix.up()
        assert matrix.refresh() == []
    finally:
        superuser.execute("SET ROLE app_owner")
        superuser.execute(f"DROP FUNCTION app.{odd}".encode())
        said = f"drop table app.{odd}".replace("'", "''")
        superuser.execute(f"SET strongroom.confirm = '{said}'".encode())
        superuser.execute(f"DROP TABLE app.{odd}".encode())
        superuser.execute("RESET ROLE")


def test_a_password_is_refused(matrix: Managed) -> None:
    with pytest.raises(Refusal, match="password"):
        matrix.checked(sign_in={**matrix.inputs["signIn"], "password": "secret"})
