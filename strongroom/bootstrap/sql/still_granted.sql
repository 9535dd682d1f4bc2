-- In one database: rights of a role that somebody else than the owner granted, which DROP OWNED
-- leaves where they are; each as the end of a REVOKE, and who has to run it.
WITH leaver AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s),
granted (what, acl) AS (
    SELECT format('ALL ON %%s %%s', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                  oid::pg_catalog.regclass), relacl
    FROM pg_catalog.pg_class
    UNION ALL
    SELECT format('ALL (%%I) ON TABLE %%s', attname, attrelid::pg_catalog.regclass), attacl
    FROM pg_catalog.pg_attribute
    UNION ALL
    SELECT format('ALL ON ROUTINE %%s', oid::pg_catalog.regprocedure), proacl
    FROM pg_catalog.pg_proc
    UNION ALL
    SELECT format('ALL ON SCHEMA %%I', nspname), nspacl FROM pg_catalog.pg_namespace
    UNION ALL
    SELECT format('ALL ON TYPE %%s', pg_catalog.format_type(oid, NULL)), typacl
    FROM pg_catalog.pg_type
    UNION ALL
    SELECT format('ALL ON LANGUAGE %%I', lanname), lanacl FROM pg_catalog.pg_language
    UNION ALL
    SELECT format('ALL ON LARGE OBJECT %%s', oid), lomacl
    FROM pg_catalog.pg_largeobject_metadata
    UNION ALL
    SELECT format('ALL ON FOREIGN SERVER %%I', srvname), srvacl
    FROM pg_catalog.pg_foreign_server
    UNION ALL
    SELECT format('ALL ON FOREIGN DATA WRAPPER %%I', fdwname), fdwacl
    FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL
    SELECT format('ALL ON DATABASE %%I', datname), datacl FROM pg_catalog.pg_database
    UNION ALL
    SELECT format('ALL ON TABLESPACE %%I', spcname), spcacl FROM pg_catalog.pg_tablespace
    UNION ALL
    SELECT format('ALL ON PARAMETER %%I', parname), paracl FROM pg_catalog.pg_parameter_acl
)
SELECT DISTINCT format('%%s FROM %%I CASCADE', what, %(role)s), pg_get_userbyid(each.grantor)
FROM granted CROSS JOIN aclexplode(acl) AS each
WHERE each.grantee = (SELECT oid FROM leaver)
UNION ALL
-- Memberships the role granted on.
SELECT format('%%I FROM %%I GRANTED BY %%I CASCADE', pg_get_userbyid(roleid),
              pg_get_userbyid(member), %(role)s), NULL
FROM pg_catalog.pg_auth_members WHERE grantor = (SELECT oid FROM leaver)
