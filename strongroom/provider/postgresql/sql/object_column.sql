SELECT a.attname::text AS name, n.nspname || '.' || c.relname || '.' || a.attname AS label,
    a.attname::text AS listed, c.relowner AS owner,
    coalesce(a.attacl, pg_catalog.acldefault('c', c.relowner)) AS acl
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s
  AND c.relname = ANY (%(objects)s)
  AND c.relkind = ANY (%(kinds)s::"char"[])
  AND a.attname = ANY (%(columns)s)
  AND a.attnum > 0
  AND NOT a.attisdropped
