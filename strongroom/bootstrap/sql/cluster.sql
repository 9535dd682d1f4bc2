-- Once per cluster, as root: the two roles everything else is granted through, and no door left
-- open to PUBLIC. Run again at any time.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['provisioner', 'app_owner', 'replicator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
    -- Only when it is needed: a root that is no superuser may not even repeat NOSUPERUSER.
    FOR wanted IN
        SELECT rolname FROM pg_catalog.pg_roles
        WHERE rolname IN ('provisioner', 'app_owner', 'replicator')
          AND (rolsuper OR rolcreatedb OR rolbypassrls
               OR rolreplication AND rolname <> 'replicator')
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I NOSUPERUSER NOCREATEDB NOBYPASSRLS NOREPLICATION', wanted
        );
    END LOOP;
END
$$;

ALTER ROLE provisioner LOGIN CREATEROLE INHERIT PASSWORD NULL;
ALTER ROLE app_owner NOLOGIN NOCREATEROLE PASSWORD NULL;
ALTER ROLE replicator LOGIN NOCREATEROLE REPLICATION PASSWORD NULL;

-- The provisioner grants app_owner on (ADMIN), makes objects in its name (SET) and sets its
-- default privileges (INHERIT).
GRANT app_owner TO provisioner WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;

-- A change of rights that cannot get its locks must fail, not queue in front of the application.
ALTER ROLE provisioner SET lock_timeout = '10s';
ALTER ROLE provisioner SET statement_timeout = '5min';
ALTER ROLE provisioner SET idle_in_transaction_session_timeout = '1min';

-- pulumi_postgresql ends a leaver's role with REASSIGN OWNED and DROP OWNED, which the guard
-- refuses to whoever has not named it.
ALTER ROLE provisioner SET strongroom.confirm = 'drop owned';

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT datname FROM pg_catalog.pg_database LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name);
    END LOOP;
END
$$;
