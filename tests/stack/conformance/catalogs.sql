-- Everything the plugin may change, with names for oids and nothing left to chance: an ACL that
-- was never touched is spelled out as the default it stands for, and lists are sorted.
WITH acl AS (
    SELECT 'database ' || datname AS object, datdba AS owner,
        coalesce(datacl, acldefault('d', datdba)) AS acl
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'schema ' || nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL
    SELECT 'relation ' || c.relkind::text || ' ' || c.oid::regclass::text, c.relowner,
        coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'column ' || a.attrelid::regclass::text || '.' || a.attname, c.relowner, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL AND c.relnamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT 'routine ' || p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'default ' || d.defaclobjtype::text || coalesce(' in ' || n.nspname, ''), d.defaclrole, d.defaclacl
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
)
SELECT json_build_object(
    'roles', (
        SELECT json_object_agg(rolname, json_build_object(
            'attributes', concat_ws(' ',
                CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolinherit THEN 'INHERIT' END,
                CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
                CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolcanlogin THEN 'LOGIN' END,
                CASE WHEN rolreplication THEN 'REPLICATION' END,
                CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, 'LIMIT ' || rolconnlimit),
            'valid until', rolvaliduntil AT TIME ZONE 'UTC',
            'settings', (SELECT coalesce(json_agg(s ORDER BY s), '[]') FROM unnest(rolconfig) s)
        ) ORDER BY rolname)
        FROM pg_roles WHERE rolname !~ '^pg_'
    ),
    'memberships', (
        SELECT coalesce(json_agg(line ORDER BY line), '[]') FROM (
            SELECT concat_ws(' ', member::regrole, 'in', roleid::regrole, 'by', grantor::regrole,
                CASE WHEN admin_option THEN 'ADMIN' END, CASE WHEN inherit_option THEN 'INHERIT' END,
                CASE WHEN set_option THEN 'SET' END) AS line
            FROM pg_auth_members WHERE roleid >= 16384
        ) lines
    ),
    'rights', (
        SELECT json_object_agg(object, held ORDER BY object) FROM (
            SELECT object || ' of ' || owner::regrole::text AS object, (
                SELECT coalesce(json_agg(entry ORDER BY entry), '[]') FROM (
                    SELECT concat_ws(' ', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                        string_agg(privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END, ' '
                            ORDER BY privilege_type),
                        'by', grantor::regrole) AS entry
                    FROM aclexplode(acl) GROUP BY grantee, grantor
                ) entries
            ) AS held
            FROM acl
        ) objects
    )
)
