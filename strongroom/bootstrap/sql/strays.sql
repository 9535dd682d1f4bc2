-- Once per cluster, as root: what only root could have given and nobody but root may have. The
-- provisioner can neither see all of it nor take it back.
DO $$
DECLARE
    stray record;
BEGIN
    FOR stray IN
        SELECT rolname, concat_ws(' ',
                   CASE WHEN rolsuper THEN 'NOSUPERUSER' END,
                   CASE WHEN rolcreatedb THEN 'NOCREATEDB' END,
                   CASE WHEN rolcreaterole THEN 'NOCREATEROLE' END,
                   CASE WHEN rolreplication THEN 'NOREPLICATION' END,
                   CASE WHEN rolbypassrls THEN 'NOBYPASSRLS' END) AS without
        FROM pg_catalog.pg_roles
        WHERE (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
          AND rolname NOT IN (current_user, 'provisioner', 'replicator')
          AND rolname !~ '^(pg_|rds)'
    LOOP
        EXECUTE pg_catalog.format('ALTER ROLE %I %s', stray.rolname, stray.without);
    END LOOP;
    FOR stray IN
        SELECT pg_get_userbyid(roleid) AS role, pg_get_userbyid(member) AS member,
               pg_get_userbyid(grantor) AS grantor
        FROM pg_catalog.pg_auth_members
        WHERE (pg_get_userbyid(roleid) IN ('app_owner', 'ddl_gate', 'tier_reader', 'tier_writer',
                                           'tier_full', 'provisioner')
                   AND pg_get_userbyid(grantor) <> 'provisioner'
               OR pg_get_userbyid(roleid) ~ '^(pg_|rds)' AND pg_get_userbyid(roleid) <> 'rds_iam')
          AND pg_get_userbyid(member) NOT IN (current_user, 'provisioner')
          AND pg_get_userbyid(member) !~ '^(pg_|rds)'
    LOOP
        EXECUTE pg_catalog.format(
            'REVOKE %I FROM %I GRANTED BY %I CASCADE', stray.role, stray.member, stray.grantor
        );
    END LOOP;
    -- A setting kept with a role or a database that would blind the guards or the log.
    FOR stray IN
        SELECT rolname, datname, split_part(entry, '=', 1) AS name
        FROM pg_catalog.pg_db_role_setting CROSS JOIN unnest(setconfig) AS entry
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = setrole
        LEFT JOIN pg_catalog.pg_database AS d ON d.oid = setdatabase
        WHERE split_part(entry, '=', 1) IN ('event_triggers', 'log_statement', 'log_min_messages',
                                            'log_min_error_statement', 'session_replication_role')
          AND coalesce(rolname, '') !~ '^rds'
          -- A service may be logged less, for load; nobody who has a tier.
          AND NOT (entry = 'log_statement=ddl' AND datname IS NULL AND rolname IS NOT NULL
                   AND rolname NOT IN (current_user, 'provisioner', 'app_owner', 'replicator')
                   AND NOT rolsuper AND NOT rolcreaterole
                   AND coalesce(NOT pg_has_role(r.oid, to_regrole('tier_reader'), 'MEMBER'), true))
    LOOP
        EXECUTE CASE
            WHEN stray.datname IS NULL AND stray.rolname IS NULL
                THEN pg_catalog.format('ALTER ROLE ALL RESET %I', stray.name)
            WHEN stray.datname IS NULL
                THEN pg_catalog.format('ALTER ROLE %I RESET %I', stray.rolname, stray.name)
            WHEN stray.rolname IS NULL
                THEN pg_catalog.format('ALTER DATABASE %I RESET %I', stray.datname, stray.name)
            ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET %I',
                                   stray.rolname, stray.datname, stray.name)
        END;
    END LOOP;
    -- The right to set one of those, which only the provisioner has, for services.
    FOR stray IN
        SELECT parname AS name, pg_get_userbyid(acl.grantee) AS role
        FROM pg_catalog.pg_parameter_acl, aclexplode(paracl) AS acl
        WHERE parname IN ('event_triggers', 'log_statement', 'log_min_messages',
                          'log_min_error_statement', 'session_replication_role')
          AND acl.grantee NOT IN (0, acl.grantor)
          AND (pg_get_userbyid(acl.grantee), parname) <> ('provisioner', 'log_statement')
          AND pg_get_userbyid(acl.grantee) !~ '^(pg_|rds)'
          AND has_parameter_privilege(parname, 'SET WITH GRANT OPTION')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON PARAMETER %s FROM %I CASCADE', stray.name, stray.role);
    END LOOP;
    -- Last, because it takes the provisioner's rights from root: what an earlier version of this, or
    -- somebody, gave it for good puts it in rds_iam, and its password opens nothing then. What RDS
    -- itself granted (its role is the first there was) is RDS's to know.
    FOR stray IN
        SELECT pg_get_userbyid(roleid) AS role, pg_get_userbyid(member) AS member,
               pg_get_userbyid(grantor) AS grantor
        FROM pg_catalog.pg_auth_members
        WHERE pg_get_userbyid(member) IN (current_user, 'app_owner')
          AND (inherit_option OR set_option) AND grantor <> 10
          AND pg_get_userbyid(roleid) <> 'app_owner'
          AND pg_has_role(roleid, to_regrole('rds_iam'), 'MEMBER')
    LOOP
        EXECUTE pg_catalog.format(
            'REVOKE %I FROM %I GRANTED BY %I CASCADE', stray.role, stray.member, stray.grantor
        );
    END LOOP;
END
$$;
