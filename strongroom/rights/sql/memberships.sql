-- Who is in which group, by whose grant. The owner of a database is in pg_database_owner there
-- without any row.
SELECT roleid, member, grantor, inherit_option, set_option, admin_option
FROM pg_catalog.pg_auth_members
UNION ALL
SELECT (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'pg_database_owner'), datdba, datdba,
       true, true, false
FROM pg_catalog.pg_database WHERE datname = current_database()
