-- Every role, with its attributes by the names of CREATE ROLE.
SELECT oid, rolname, rolcanlogin,
       array_remove(ARRAY[
           CASE WHEN rolsuper THEN 'SUPERUSER' END,
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
           CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolreplication THEN 'REPLICATION' END,
           CASE WHEN rolbypassrls THEN 'BYPASSRLS' END
       ], NULL)
FROM pg_catalog.pg_roles
