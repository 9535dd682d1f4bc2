-- Tables are all that GRANT … ON ALL TABLES takes for one: views and partitioned tables too.
SELECT c.relname::text AS name, n.nspname || '.' || c.relname AS label, c.relname::text AS listed,
    c.relowner AS owner,
    coalesce(
        c.relacl,
        pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
    ) AS acl
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s
  AND c.relkind = ANY (%(kinds)s::"char"[])
  AND (%(objects)s::text[] IS NULL OR c.relname = ANY (%(objects)s))
