SELECT nspname::text AS name, nspname::text AS label, NULL::text AS listed, nspowner AS owner,
    coalesce(nspacl, pg_catalog.acldefault('n', nspowner)) AS acl
FROM pg_catalog.pg_namespace
WHERE nspname = %(schema)s
