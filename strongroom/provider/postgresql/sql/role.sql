-- One role with all its memberships. Instants are compared and not their spelling: the spelling
-- depends on the session's time zone.
SELECT
    r.rolname AS name,
    r.rolsuper AS superuser,
    r.rolinherit AS inherit,
    r.rolcreaterole AS create_role,
    r.rolcreatedb AS create_database,
    r.rolcanlogin AS login,
    r.rolreplication AS replication,
    r.rolbypassrls AS bypass_row_level_security,
    r.rolconnlimit AS connection_limit,
    coalesce(r.rolvaliduntil, 'infinity') = coalesce(%(valid_until)s::timestamptz, 'infinity')
        AS valid_as_said,
    CASE
        WHEN r.rolvaliduntil IS NULL OR r.rolvaliduntil = 'infinity' THEN 'infinity'
        ELSE pg_catalog.timezone('UTC', r.rolvaliduntil)::text || '+00'
    END AS valid_until,
    coalesce(r.rolconfig, '{}') AS config,
    pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION') AS ours,
    (
        SELECT coalesce(
            pg_catalog.json_agg(pg_catalog.json_build_object(
                'role', pg_catalog.pg_get_userbyid(m.roleid),
                'grantor', pg_catalog.pg_get_userbyid(m.grantor),
                'admin', m.admin_option,
                'inherit', m.inherit_option,
                'set', m.set_option
            ) ORDER BY m.roleid, m.grantor),
            '[]'
        )
        FROM pg_catalog.pg_auth_members m
        WHERE m.member = r.oid
    ) AS memberships
FROM pg_catalog.pg_roles r
WHERE r.rolname = %(name)s
