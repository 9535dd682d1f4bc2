-- Every object somebody could have a right on, objects of the same kind, schema, owner and ACL as
-- one row with all their names; columns only where they have an ACL of their own.
--
-- Of what PostgreSQL itself made, and of members of an extension, only what was granted since is
-- told, and only if anything was: thousands of functions that PUBLIC may call are no news.
-- Temporary objects belong to a session and end with it.
WITH extensions AS MATERIALIZED (
    SELECT classid, objid, extname
    FROM pg_catalog.pg_depend
    JOIN pg_catalog.pg_extension AS e ON e.oid = refobjid
    WHERE refclassid = 'pg_catalog.pg_extension'::regclass AND deptype = 'e'
),
objects (kind, classid, id, subid, schema, name, owner, acl, code, trait) AS (
    SELECT 'database', 'pg_catalog.pg_database'::regclass, oid, 0, 0::oid, datname::text, datdba,
           datacl, 'd'::"char", CASE WHEN datname = current_database() THEN 'this' END
    FROM pg_catalog.pg_database
    UNION ALL
    SELECT 'schema', 'pg_catalog.pg_namespace'::regclass, oid, 0, 0, nspname, nspowner, nspacl, 'n',
           NULL
    FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
    UNION ALL
    SELECT CASE WHEN relkind = 'S' THEN 'sequence' ELSE 'table' END,
           'pg_catalog.pg_class'::regclass, oid, 0, relnamespace, relname, relowner, relacl,
           CASE WHEN relkind = 'S' THEN 's' ELSE 'r' END::"char",
           CASE WHEN relforcerowsecurity AND relrowsecurity THEN 'forced row security'
                WHEN relrowsecurity THEN 'row security' END
    FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    -- The server writes a routine out with its arguments only if it has to: it is slow.
    SELECT 'routine', 'pg_catalog.pg_proc'::regclass, oid, 0, pronamespace,
           proname || '(' || pg_catalog.oidvectortypes(proargtypes) || ')',
           proowner, proacl, 'f', CASE WHEN prosecdef THEN 'SECURITY DEFINER' END
    FROM pg_catalog.pg_proc
    WHERE oid >= 16384 OR proacl IS NOT NULL OR proowner <> 10
    UNION ALL
    -- Arrays have the rights of their elements, and the rows of a table those of nobody.
    SELECT 'type', 'pg_catalog.pg_type'::regclass, t.oid, 0, typnamespace, typname, typowner, typacl,
           'T', NULL
    FROM pg_catalog.pg_type AS t
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = typrelid
    WHERE typtype IN ('b', 'c', 'd', 'e', 'r')
      AND typsubscript <> 'pg_catalog.array_subscript_handler'::regproc
      AND coalesce(relkind, 'c') = 'c'
      AND (t.oid >= 16384 OR typacl IS NOT NULL OR typowner <> 10)
    UNION ALL
    SELECT 'language', 'pg_catalog.pg_language'::regclass, oid, 0, 0, lanname, lanowner, lanacl, 'l',
           NULL
    FROM pg_catalog.pg_language
    UNION ALL
    SELECT 'foreign data wrapper', 'pg_catalog.pg_foreign_data_wrapper'::regclass, oid, 0, 0, fdwname,
           fdwowner, fdwacl, 'F', NULL
    FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL
    SELECT 'foreign server', 'pg_catalog.pg_foreign_server'::regclass, oid, 0, 0, srvname, srvowner,
           srvacl, 'S', NULL
    FROM pg_catalog.pg_foreign_server
    UNION ALL
    SELECT 'tablespace', 'pg_catalog.pg_tablespace'::regclass, oid, 0, 0, spcname, spcowner, spcacl,
           't', NULL
    FROM pg_catalog.pg_tablespace
    UNION ALL
    SELECT 'parameter', 'pg_catalog.pg_parameter_acl'::regclass, oid, 0, 0, parname, 10::oid, paracl,
           'p', NULL
    FROM pg_catalog.pg_parameter_acl
    UNION ALL
    SELECT 'large object', 'pg_catalog.pg_largeobject'::regclass, oid, 0, 0, oid::text, lomowner,
           lomacl, 'L', NULL
    FROM pg_catalog.pg_largeobject_metadata
    UNION ALL
    SELECT 'event trigger', 'pg_catalog.pg_event_trigger'::regclass, oid, 0, 0, evtname, evtowner,
           NULL, NULL, NULL
    FROM pg_catalog.pg_event_trigger
    UNION ALL
    -- What a role gives away with everything it makes. Without a schema it stands in the place of
    -- PostgreSQL's own default, so it holds the role's own rights too.
    SELECT CASE defaclobjtype WHEN 'r' THEN 'future table' WHEN 'S' THEN 'future sequence'
               WHEN 'f' THEN 'future routine' WHEN 'T' THEN 'future type'
               WHEN 'n' THEN 'future schema' ELSE 'future large object' END,
           'pg_catalog.pg_default_acl'::regclass, oid, 0, defaclnamespace, '', defaclrole, defaclacl,
           NULL, NULL
    FROM pg_catalog.pg_default_acl
    UNION ALL
    SELECT 'column', 'pg_catalog.pg_class'::regclass, c.oid, attnum, relnamespace,
           relname || '.' || attname, relowner, attacl, 'c', NULL
    FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class AS c ON c.oid = attrelid
    WHERE attacl IS NOT NULL AND NOT attisdropped
),
described AS (
    SELECT kind, o.classid, o.id, n.nspname::text AS schema, name, owner, acl, code, trait, extname::text,
           -- Schema public and the databases are PostgreSQL's too, but their rights are ours to set.
           CASE WHEN o.id < 16384 AND kind NOT IN ('database', 'large object') AND o.id <> 2200
                     OR extname IS NOT NULL
                THEN coalesce(initprivs, pg_catalog.acldefault(code, owner)) END AS known
    FROM objects AS o
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = o.schema
    LEFT JOIN extensions AS e ON e.classid = o.classid AND e.objid = o.id
    LEFT JOIN pg_catalog.pg_init_privs AS i
        ON i.classoid = o.classid AND i.objoid = o.id AND i.objsubid = o.subid
    WHERE n.nspname IS NULL OR n.nspname !~ '^pg_(toast|temp)'
),
shapes AS (
    SELECT kind, schema, owner, trait, extname, code, acl, known, array_agg(name) AS names,
           array_agg(id::bigint) AS ids, classid::bigint
    FROM described
    -- A system object that nobody touched says nothing.
    WHERE known IS NULL OR owner <> 10 OR acl IS DISTINCT FROM known AND acl IS NOT NULL
    GROUP BY kind, classid, schema, owner, trait, extname, code, acl, known
)
SELECT kind, schema, owner, trait, extname, names, ids, classid, grants
FROM shapes
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(grantee::bigint, grantor::bigint, privilege_type,
                                       is_grantable)) AS grants
    FROM (
        SELECT * FROM pg_catalog.aclexplode(coalesce(acl, pg_catalog.acldefault(code, owner)))
        EXCEPT
        SELECT * FROM pg_catalog.aclexplode(known)
    ) AS granted
) AS exploded
