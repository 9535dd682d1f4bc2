"""Everything we could think of to break the database, tried by every tier as itself."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.live.conftest import Session
from tests.live.local_stack import MEMBERS, PEOPLE, refusal

pytestmark = pytest.mark.live
BOTH_KINDS_OF_ROOT = True

#: Each is tried outside a transaction, statement by statement, until one is refused.
ATTEMPTS: tuple[tuple[str, ...], ...] = (
    # The database and the schemas.
    ("DROP DATABASE app",),
    ("DROP DATABASE app WITH (FORCE)",),
    ("DROP DATABASE postgres",),
    ("SET strongroom.confirm = 'drop database app'", "DROP DATABASE app"),
    ("ALTER DATABASE app RENAME TO gone",),
    ("ALTER DATABASE app OWNER TO CURRENT_USER",),
    ("ALTER DATABASE app CONNECTION LIMIT 0",),
    ("ALTER DATABASE app ALLOW_CONNECTIONS false",),
    ("ALTER DATABASE app IS_TEMPLATE true",),
    ("ALTER DATABASE app SET event_triggers = off",),
    ("ALTER DATABASE app SET TABLESPACE pg_default",),
    ("CREATE DATABASE mine",),
    ("CREATE DATABASE copy TEMPLATE app",),
    ("CREATE SCHEMA mine",),
    ("DROP SCHEMA app CASCADE",),
    ("SET strongroom.confirm = 'drop schema app'", "DROP SCHEMA app CASCADE"),
    ("ALTER SCHEMA app RENAME TO gone",),
    ("ALTER SCHEMA app OWNER TO CURRENT_USER",),
    ("DROP SCHEMA public CASCADE",),
    ("CREATE TABLE public.mine (id int)",),
    ("CREATE TABLE app.mine (id int)",),
    ("CREATE TEMP TABLE mine (id int)",),
    ("CREATE VIEW app.mine AS SELECT 1",),
    ("CREATE SEQUENCE app.mine",),
    ("CREATE TABLESPACE mine LOCATION '/tmp'",),
    # Tables.
    ("DROP TABLE app.before",),
    ("SET strongroom.confirm = 'drop table app.before'", "DROP TABLE app.before"),
    ("DROP TABLE app.before, app.after CASCADE",),
    ("ALTER TABLE app.before SET SCHEMA public",),
    ("ALTER TABLE app.before OWNER TO CURRENT_USER",),
    ("ALTER TABLE app.before DROP COLUMN body",),
    ("ALTER TABLE app.before SET UNLOGGED",),
    (("CREATE TRIGGER t BEFORE DELETE ON app.before EXECUTE FUNCTION"
      " suppress_redundant_updates_trigger()"),),
    ("CREATE POLICY p ON app.before",),
    ("DELETE FROM pg_class",),
    ("UPDATE pg_database SET datallowconn = false",),
    ("INSERT INTO pg_auth_members SELECT * FROM pg_auth_members",),
    # Other people's rights and names.
    ("SET ROLE tier_reader",),
    ("SET ROLE tier_full",),
    ("SET ROLE root",),
    ("SET ROLE provisioner",),
    ("SET ROLE replicator",),
    ("SET SESSION AUTHORIZATION root",),
    ("CREATE ROLE mine",),
    ("CREATE USER mine SUPERUSER",),
    ("ALTER ROLE CURRENT_USER SUPERUSER",),
    ("ALTER ROLE CURRENT_USER CREATEROLE",),
    ("ALTER ROLE CURRENT_USER REPLICATION",),
    ("ALTER ROLE CURRENT_USER BYPASSRLS",),
    ("ALTER ROLE CURRENT_USER RENAME TO root2",),
    ("ALTER ROLE dmitri NOLOGIN",),
    ("ALTER ROLE dmitri PASSWORD 'x'",),
    ("ALTER ROLE dmitri SET statement_timeout = 1",),
    ("ALTER ROLE ALL SET statement_timeout = 1",),
    ("ALTER ROLE root NOLOGIN",),
    ("ALTER ROLE root PASSWORD 'x'",),
    ("DROP ROLE dmitri",),
    ("DROP ROLE provisioner",),
    ("GRANT tier_full TO dmitri",),
    ("GRANT app_owner TO dmitri",),
    ("GRANT root TO CURRENT_USER",),
    ("GRANT pg_read_all_data TO CURRENT_USER",),
    ("GRANT pg_execute_server_program TO CURRENT_USER",),
    ("REVOKE tier_reader FROM dmitri",),
    ("REVOKE app_owner FROM provisioner",),
    ("GRANT CONNECT ON DATABASE app TO PUBLIC",),
    ("GRANT ALL ON ALL TABLES IN SCHEMA app TO PUBLIC",),
    ("GRANT ALL ON SCHEMA app TO PUBLIC",),
    ("REASSIGN OWNED BY app_owner TO CURRENT_USER",),
    ("REASSIGN OWNED BY provisioner TO CURRENT_USER",),
    ("DROP OWNED BY app_owner CASCADE",),
    ("DROP OWNED BY tier_reader",),
    ("DROP OWNED BY tier_full, tier_writer, tier_reader CASCADE",),
    ("SET strongroom.confirm = 'drop owned'", "DROP OWNED BY app_owner CASCADE"),
    ("SET strongroom.confirm = 'drop owned'", "DROP OWNED BY tier_reader CASCADE"),
    ("SET strongroom.confirm = 'drop owned'", "DROP OWNED BY provisioner CASCADE"),
    ("SET strongroom.confirm = 'drop owned'", "DROP OWNED BY CURRENT_USER"),
    ("SET ROLE ddl_gate", "SET strongroom.confirm = 'drop owned'", "DROP OWNED BY ddl_gate"),
    ("ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT ALL ON TABLES TO PUBLIC",),
    (("ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app"
      " REVOKE SELECT ON TABLES FROM tier_reader"),),
    # The server and its machine.
    ("COPY app.before TO PROGRAM 'cat'",),
    ("COPY app.before FROM PROGRAM 'id'",),
    ("COPY app.before TO '/tmp/strongroom-leak'",),
    ("SELECT pg_read_file('postgresql.conf')",),
    ("SELECT pg_read_binary_file('/etc/passwd')",),
    ("SELECT pg_ls_dir('.')",),
    ("SELECT lo_import('/etc/passwd')",),
    ("SELECT lo_export(1, '/tmp/strongroom-leak')",),
    ("SELECT * FROM pg_authid",),
    ("SELECT * FROM pg_shadow",),
    ("SELECT * FROM pg_hba_file_rules",),
    ("SELECT * FROM pg_file_settings",),
    ("SELECT pg_stat_file('postgresql.conf')",),
    ("CREATE EXTENSION dblink",),
    ("CREATE EXTENSION file_fdw",),
    ("CREATE EXTENSION pgcrypto",),
    ("CREATE LANGUAGE c",),
    ("LOAD 'auto_explain'",),
    ("CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",),
    ("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql RETURN 1",),
    ("CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",),
    ("CREATE PUBLICATION p FOR ALL TABLES",),
    ("CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p",),
    ("ALTER SYSTEM SET fsync = off",),
    ("SELECT pg_reload_conf()",),
    ("SELECT pg_rotate_logfile()",),
    ("SELECT pg_promote()",),
    ("SELECT pg_switch_wal()",),
    ("SELECT pg_create_restore_point('x')",),
    ("SELECT pg_backup_start('x')",),
    ("SELECT pg_create_physical_replication_slot('mine')",),
    ("SELECT pg_drop_replication_slot('replica')",),
    (("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'root'"
      " UNION ALL SELECT pg_terminate_backend(1 / 0)"),),
    ("SELECT pg_stat_reset()",),
    ("CHECKPOINT",),
    # The guard.
    ("ALTER EVENT TRIGGER strongroom_drop DISABLE",),
    ("DROP EVENT TRIGGER strongroom_drop",),
    ("CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION strongroom.refuse_drop()",),
    ("DELETE FROM strongroom.guarded_schema",),
    ("SELECT * FROM strongroom.guarded_schema",),
    ("DROP SCHEMA strongroom CASCADE",),
    ("SELECT strongroom.refuse_drop()",),
    ("SET session_replication_role = replica",),
    ("SET event_triggers = off",),
    ("SELECT set_config('event_triggers', 'off', false)",),
    ("ALTER ROLE CURRENT_USER SET event_triggers = off",),
    ("SET log_statement = none",),
    ("ALTER ROLE CURRENT_USER SET log_statement = 'ddl'",),
    ("ALTER ROLE CURRENT_USER IN DATABASE app SET log_statement = 'none'",),
    ("SELECT set_config('log_statement', 'none', false)",),
    ("SET log_parameter_max_length = 0",),
    ("SET log_connections = off",),
    ("SET allow_system_table_mods = on",),
)  # fmt: skip

#: What a senior who switched to app_owner still cannot do.
THROUGH_THE_GATE: tuple[tuple[str, ...], ...] = (
    ("DROP DATABASE app",),
    ("ALTER DATABASE app OWNER TO app_owner",),
    ("ALTER DATABASE app CONNECTION LIMIT 0",),
    ("CREATE SCHEMA mine",),
    ("DROP SCHEMA app CASCADE",),
    ("SET strongroom.confirm = 'drop schema app'", "DROP SCHEMA app CASCADE"),
    ("ALTER SCHEMA app RENAME TO gone",),
    ("DROP TABLE app.before",),
    ("DROP TABLE app.before CASCADE",),
    ("SET strongroom.confirm = 'drop table app.after'", "DROP TABLE app.before"),
    ("SET strongroom.confirm = 'drop table app.before'", "DROP TABLE app.before, app.after"),
    ("ALTER TABLE app.before SET SCHEMA public",),
    ("ALTER TABLE app.before OWNER TO ada",),
    ("ALTER TABLE app.before OWNER TO root",),
    ("DROP OWNED BY app_owner",),
    ("DROP OWNED BY app_owner CASCADE",),
    ("DROP OWNED BY tier_reader",),
    ("REASSIGN OWNED BY app_owner TO ada",),
    ("GRANT app_owner TO esra",),
    ("GRANT tier_full TO esra",),
    ("ALTER ROLE ada CREATEROLE",),
    ("CREATE ROLE mine",),
    ("ALTER ROLE app_owner LOGIN",),
    ("CREATE EXTENSION pgcrypto",),
    ("CREATE EXTENSION dblink",),
    ("CREATE TABLE public.mine (id int)",),
    ("CREATE TEMP TABLE mine (id int)",),
    ("CREATE FUNCTION app.f() RETURNS int LANGUAGE c AS 'x', 'y'",),
    ("CREATE PUBLICATION p FOR TABLE app.before",),
    ("COPY app.before TO PROGRAM 'cat'",),
    ("SELECT pg_read_file('postgresql.conf')",),
    ("SET session_replication_role = replica",),
    ("SET event_triggers = off",),
    ("ALTER SYSTEM SET fsync = off",),
    ("ALTER EVENT TRIGGER strongroom_drop DISABLE",),
    ("DROP SCHEMA strongroom CASCADE",),
    ("DO $$ BEGIN EXECUTE 'DROP TABLE app.before'; END $$",),
    (("CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS"
      " $$ BEGIN DROP TABLE app.before; END $$; SELECT app.f()"),),
)  # fmt: skip

#: What even the provisioner, who makes all roles and owns the schemas, cannot do.
AS_PROVISIONER: tuple[tuple[str, ...], ...] = (
    ("DROP DATABASE app",),
    ("DROP DATABASE app WITH (FORCE)",),
    ("ALTER DATABASE app OWNER TO provisioner",),
    ("ALTER DATABASE app RENAME TO gone",),
    ("ALTER DATABASE app SET event_triggers = off",),
    ("CREATE DATABASE mine",),
    ("DROP SCHEMA app CASCADE",),
    ("DROP TABLE app.before CASCADE",),
    ("SET ROLE app_owner", "DROP TABLE app.before"),
    ("DROP OWNED BY app_owner CASCADE",),
    ("DROP OWNED BY provisioner CASCADE",),
    ("DROP SCHEMA strongroom CASCADE",),
    ("DELETE FROM strongroom.guarded_schema",),
    ("ALTER EVENT TRIGGER strongroom_drop DISABLE",),
    ("SET event_triggers = off",),
    ("SET session_replication_role = replica",),
    ("SET ROLE root",),
    ("ALTER ROLE root PASSWORD 'x'",),
    ("ALTER ROLE provisioner SUPERUSER",),
    ("ALTER ROLE provisioner CREATEDB",),
    ("CREATE ROLE mine SUPERUSER",),
    ("CREATE ROLE mine REPLICATION",),
    ("CREATE ROLE mine BYPASSRLS",),
    ("ALTER ROLE replicator PASSWORD 'x'",),
    ("GRANT root TO provisioner",),
    ("GRANT pg_execute_server_program TO provisioner",),
    ("GRANT pg_write_server_files TO ada",),
    ("REASSIGN OWNED BY root TO provisioner",),
    ("DROP ROLE app_owner",),
    ("ALTER SYSTEM SET fsync = off",),
    ("COPY app.before TO PROGRAM 'cat'",),
    ("SELECT pg_read_file('postgresql.conf')",),
    ("SELECT * FROM pg_authid",),
    ("CREATE EXTENSION dblink",),
)  # fmt: skip

#: Everything a breaking attempt could leave behind, apart from statistics.
_FINGERPRINT = """
SELECT 'relations', md5(string_agg(c::text, '' ORDER BY c.oid)) FROM (
    SELECT oid, relname, relnamespace, relowner, relacl, relkind, relpersistence, relnatts
    FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace) AS c
UNION ALL SELECT 'databases', md5(string_agg(d::text, '' ORDER BY oid)) FROM (
    SELECT oid, datname, datdba, datacl, datallowconn, datconnlimit, datistemplate
    FROM pg_database) AS d
UNION ALL SELECT 'schemas', md5(string_agg(n::text, '' ORDER BY oid)) FROM pg_namespace AS n
UNION ALL SELECT 'roles', md5(string_agg(r::text, '' ORDER BY oid)) FROM pg_authid AS r
UNION ALL SELECT 'members', md5(string_agg(m::text, '' ORDER BY oid)) FROM pg_auth_members AS m
UNION ALL SELECT 'role settings', md5(string_agg(s::text, '' ORDER BY s::text))
    FROM pg_db_role_setting AS s
UNION ALL SELECT 'defaults', md5(string_agg(a::text, '' ORDER BY oid)) FROM pg_default_acl AS a
UNION ALL SELECT 'routines', md5(string_agg(p::text, '' ORDER BY oid)) FROM pg_proc AS p
UNION ALL SELECT 'triggers', md5(string_agg(t::text, '' ORDER BY oid)) FROM pg_event_trigger AS t
UNION ALL SELECT 'guarded', string_agg(name, ',') FROM strongroom.guarded_schema
UNION ALL SELECT 'rows before', md5(string_agg(b::text, '' ORDER BY id)) FROM app.before AS b
UNION ALL SELECT 'rows after', md5(string_agg(b::text, '' ORDER BY id)) FROM app.after AS b
UNION ALL SELECT 'settings', md5(string_agg(name || setting, '' ORDER BY name))
    FROM pg_settings WHERE source <> 'session'
"""


def _fingerprint(superuser: Session) -> dict[str, Any]:
    return dict(superuser.execute(_FINGERPRINT.encode()).fetchall())


@pytest.mark.parametrize("person", sorted(PEOPLE.values()))
def test_no_breaking_attempt_of_any_kind_of_person_succeeds(
    session_of: Callable[[str], Session], superuser: Session, person: str
) -> None:
    before = _fingerprint(superuser)
    succeeded = [text for text in ATTEMPTS if not refusal(session_of(person), *text)]
    assert succeeded == []
    assert _fingerprint(superuser) == before


@pytest.mark.parametrize("person", ["ada", "migrator"])
def test_nothing_breaks_through_the_gate_either(
    session_of: Callable[[str], Session], superuser: Session, person: str
) -> None:
    before = _fingerprint(superuser)
    succeeded = [
        text
        for text in THROUGH_THE_GATE
        if not refusal(session_of(person), "SET ROLE app_owner", *text)
    ]
    assert succeeded == []
    assert _fingerprint(superuser) == before


def test_the_provisioner_breaks_nothing_of_roots(
    session_of: Callable[[str], Session], superuser: Session
) -> None:
    before = _fingerprint(superuser)
    provisioner = session_of("provisioner")
    succeeded = [text for text in AS_PROVISIONER if not refusal(provisioner, *text)]
    assert succeeded == []
    assert _fingerprint(superuser) == before


def test_at_least_two_hundred_attempts_are_made_by_engineers() -> None:
    tiers = {member.tier for member in MEMBERS}
    assert len(set(ATTEMPTS)) == len(ATTEMPTS)
    assert len(ATTEMPTS) * len(tiers) + len(THROUGH_THE_GATE) >= 200
