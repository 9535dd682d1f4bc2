-- Where replicas are made by pg_basebackup: the role they sign in as. RDS has one of its own.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'replicator') THEN
        CREATE ROLE replicator;
    END IF;
END
$$;
ALTER ROLE replicator NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    LOGIN REPLICATION PASSWORD NULL;
