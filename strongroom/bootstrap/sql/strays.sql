-- Once per cluster, as root: what only root could have given and nobody but root may have. The
-- provisioner can neither see all of it nor take it back.
DO $$
DECLARE
    stray record;
BEGIN
    FOR stray IN
        SELECT rolname FROM pg_catalog.pg_roles
        WHERE (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
          AND rolname NOT IN (current_user, 'provisioner', 'replicator')
          AND rolname !~ '^(pg_|rds)'
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
            stray.rolname
        );
    END LOOP;
    FOR stray IN
        SELECT pg_get_userbyid(roleid) AS role, pg_get_userbyid(member) AS member,
               pg_get_userbyid(grantor) AS grantor
        FROM pg_catalog.pg_auth_members
        WHERE pg_get_userbyid(roleid)
              IN ('app_owner', 'ddl_gate', 'tier_reader', 'tier_writer', 'tier_full', 'provisioner')
          AND pg_get_userbyid(member) NOT IN (current_user, 'provisioner')
          AND pg_get_userbyid(grantor) <> 'provisioner'
    LOOP
        EXECUTE pg_catalog.format(
            'REVOKE %I FROM %I GRANTED BY %I CASCADE', stray.role, stray.member, stray.grantor
        );
    END LOOP;
END
$$;
