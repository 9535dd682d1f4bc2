"""What a primary is as it was made: sealed, checked, encrypted and logging."""

import os
import stat
from collections.abc import Callable

import psutil
import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.configuration import FIXED, LOOPBACK
from strongroom.cluster.system_user import SystemUser
from tests.live.conftest import Session
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("ssl", "on"),
        ("ssl_min_protocol_version", "TLSv1.3"),
        ("log_destination", "jsonlog"),
        ("listen_addresses", LOOPBACK),
        ("allow_alter_system", "off"),
        ("password_encryption", "scram-sha-256"),
        ("data_directory_mode", "0700"),
    ],
)
def test_the_server_runs_with_what_every_cluster_of_ours_has(
    root: Session, setting: str, value: str
) -> None:
    assert root.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


def test_every_fixed_setting_is_in_force(root: Session) -> None:
    shown = dict(root.execute("SELECT name, current_setting(name) FROM pg_settings").fetchall())
    # Everything root does is logged, whatever it is.
    assert {name: shown[name] for name in FIXED} == {**FIXED, "log_statement": "all"}


def test_every_setting_comes_from_the_one_file_strongroom_writes(
    root: Session, stack: LocalStack
) -> None:
    rows = root.execute(
        "SELECT DISTINCT sourcefile FROM pg_settings WHERE sourcefile IS NOT NULL"
    ).fetchall()
    assert rows == [(str(stack.data / "postgresql.conf"),)]
    assert root.execute("SELECT count(*) FROM pg_file_settings WHERE NOT applied").fetchone() == (
        0,
    )


def test_the_database_belongs_to_root_and_new_databases_would_not_come_from_template1(
    root: Session,
) -> None:
    owner = root.execute(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider "
        "FROM pg_database WHERE datname = 'app'"
    ).fetchone()
    assert owner == ("root", "UTF8", "b")


def test_public_has_nothing_on_any_database_nor_on_schema_public_of_any(stack: LocalStack) -> None:
    with stack.root() as root:
        rows = root.execute(
            "SELECT datname, acl.privilege_type "
            "FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl "
            "WHERE acl.grantee = 0"
        ).fetchall()
        enterable = root.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
    assert rows == []
    assert {name for (name,) in enterable} == {"app", "postgres", "template1"}
    for (name,) in enterable:
        with stack.root(name) as root:
            rows = root.execute(
                "SELECT nspname, acl.privilege_type FROM pg_namespace, "
                "aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS acl "
                "WHERE acl.grantee = 0 AND nspname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
        assert rows == []


def test_the_provisioner_makes_roles_but_is_no_superuser_and_owns_no_database(
    root: Session,
) -> None:
    attributes = root.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin "
        "FROM pg_roles WHERE rolname = 'provisioner'"
    ).fetchone()
    assert attributes == (False, True, False, False, False, True)
    owned = root.execute(
        "SELECT count(*) FROM pg_database WHERE pg_get_userbyid(datdba) = 'provisioner'"
    ).fetchone()
    assert owned == (0,)
    options = root.execute(
        "SELECT admin_option, inherit_option, set_option FROM pg_auth_members "
        "WHERE pg_get_userbyid(roleid) = 'app_owner' AND pg_get_userbyid(member) = 'provisioner'"
    ).fetchall()
    assert options == [(True, True, True)]


def test_root_is_the_only_superuser_and_nobody_else_has_a_password(root: Session) -> None:
    superusers = root.execute("SELECT rolname FROM pg_roles WHERE rolsuper").fetchall()
    with_password = root.execute(
        "SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL"
    ).fetchall()
    assert superusers == with_password == [("root",)]


def test_new_functions_are_not_executable_by_public_in_any_schema(root: Session) -> None:
    with root.transaction(force_rollback=True):
        for owner in ("root", "provisioner", "app_owner"):
            root.execute(f"GRANT CREATE ON SCHEMA app TO {owner}".encode())
            root.execute(f"SET LOCAL ROLE {owner}".encode())
            root.execute(f"CREATE FUNCTION app.f_{owner}() RETURNS int RETURN 1".encode())
            root.execute(f"CREATE PROCEDURE app.p_{owner}() LANGUAGE sql AS ''".encode())
            root.execute("RESET ROLE")
        public = root.execute(
            "SELECT proname FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) "
            "AS acl WHERE pronamespace = 'app'::regnamespace AND acl.grantee = 0"
        ).fetchall()
    assert public == []


def test_the_sealed_file_opens_to_the_databases_system_user_only(stack: LocalStack) -> None:
    sealed = LocalRoot(stack.cluster).sealed
    assert {entry.name for entry in sealed.folder.iterdir()} == {"root.json"}
    for path, mode in ((sealed.path, 0o600), (sealed.folder, 0o700)):
        facts = path.stat()
        assert stat.S_IMODE(facts.st_mode) == mode
        assert facts.st_uid == SystemUser.for_clusters().uid


def test_only_its_own_user_enters_a_clusters_folder_and_root_runs_nothing(
    stack: LocalStack,
) -> None:
    assert stat.S_IMODE((stack.folder / "primary").stat().st_mode) == 0o700
    process = stack.cluster.process()
    assert process is not None
    users = {one.uids().effective for one in (process, *process.children(recursive=True))}
    assert users == {SystemUser.for_clusters().uid}
    assert 0 not in users


def test_the_password_is_in_no_output_log_argument_environment_or_catalog(
    stack: LocalStack, root: Session
) -> None:
    secret = stack.root_secret()
    sealed = LocalRoot(stack.cluster).sealed.current()
    assert sealed is not None
    assert sealed.value not in repr(sealed)
    told = repr((stack.primary.state, stack.primary.said, secret.state, secret.said))
    process = stack.cluster.process()
    assert process is not None
    family = [process, *process.children(recursive=True), psutil.Process()]
    commands = [" ".join(one.cmdline()) for one in family]
    environments = [repr(one.environ()) for one in family]
    shown = root.execute(
        "SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    ).fetchone()
    catalog = root.execute("SELECT string_agg(rolpassword, ' ') FROM pg_authid").fetchone()
    settings = root.execute("SELECT string_agg(setting, ' ') FROM pg_settings").fetchone()
    everywhere = [told, *commands, *environments, repr((shown, catalog, settings))]
    everywhere.append(stack.server_log())
    assert "ALTER ROLE" in everywhere[-1]
    assert not any(sealed.value in text for text in everywhere)


def test_nothing_in_the_stack_but_the_sealed_file_holds_the_password(stack: LocalStack) -> None:
    sealed = LocalRoot(stack.cluster).sealed.current()
    assert sealed is not None
    value = sealed.value.encode()
    files = (path for path in stack.folder.rglob("*") if path.is_file() and not path.is_symlink())
    holding = [path for path in files if value in path.read_bytes()]
    assert holding == [LocalRoot(stack.cluster).sealed.path]


def test_the_keys_of_certificates_open_to_their_owner_only(stack: LocalStack) -> None:
    for path in stack.folder.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(stack.paths.provisioner.key.parent.stat().st_mode) == 0o700
    assert stack.paths.provisioner.key.stat().st_uid == os.geteuid()


def test_the_log_says_who_signed_in_from_where_in_json(
    stack: LocalStack, session_of: Callable[[str], Session]
) -> None:
    session_of("ada").execute("SELECT 1")
    assert '"user":"ada","dbname":"app"' in stack.server_log()
    for path in (stack.folder / "primary" / "log").glob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_create_on_a_sound_cluster_changes_nothing(stack: LocalStack) -> None:
    process = stack.cluster.process()
    before = stack.primary.state
    stack.primary.create(**stack.primary.inputs)
    assert stack.primary.state == before
    assert stack.cluster.process() == process
    assert stack.primary.refresh() == []
