-- Once per cluster, as root: the two roles everything else is granted through, and no door left
-- open to PUBLIC. Run again at any time.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['provisioner', 'app_owner'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
    -- Only when it is needed: a root that is no superuser may not even repeat NOSUPERUSER.
    FOR wanted IN
        SELECT rolname FROM pg_catalog.pg_roles
        WHERE rolname IN ('provisioner', 'app_owner')
          AND (rolsuper OR rolcreatedb OR rolbypassrls OR rolreplication)
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I NOSUPERUSER NOCREATEDB NOBYPASSRLS NOREPLICATION', wanted
        );
    END LOOP;
END
$$;

ALTER ROLE provisioner LOGIN CREATEROLE INHERIT PASSWORD NULL;
ALTER ROLE app_owner NOLOGIN NOCREATEROLE PASSWORD NULL;

-- The provisioner grants app_owner on (ADMIN), makes objects in its name (SET) and sets its
-- default privileges (INHERIT).
GRANT app_owner TO provisioner WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;

DO $$
BEGIN
    -- Who is no superuser sets the default privileges of app_owner, puts triggers on its tables and
    -- gives it what is its by having its rights. Those of the provisioner, who is in rds_iam, are
    -- borrowed for a transaction at a time.
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        EXECUTE pg_catalog.format(
            'GRANT app_owner TO %I WITH INHERIT TRUE, SET TRUE', current_user
        );
    END IF;
    -- On RDS whoever is in rds_iam signs in by IAM and by no password; people are put there too.
    IF pg_catalog.to_regrole('rds_iam') IS NOT NULL THEN
        GRANT rds_iam TO provisioner WITH ADMIN TRUE, INHERIT TRUE, SET FALSE;
    END IF;
END
$$;

-- A change of rights that cannot get its locks must fail, not queue in front of the application.
ALTER ROLE provisioner RESET ALL;
ALTER ROLE provisioner SET lock_timeout = '10s';
ALTER ROLE provisioner SET statement_timeout = '5min';
ALTER ROLE provisioner SET idle_in_transaction_session_timeout = '1min';

DO $$
DECLARE
    name text;
BEGIN
    -- Only who owns a database can take something from PUBLIC there; RDS keeps some of its own.
    FOR name IN
        SELECT datname FROM pg_catalog.pg_database WHERE pg_catalog.pg_has_role(datdba, 'USAGE')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name);
    END LOOP;
END
$$;
