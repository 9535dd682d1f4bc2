-- A routine is listed by its name, or by its name and argument types: area(integer, text).
-- regprocedure spells it with every quote it needs.
SELECT p.oid::pg_catalog.regprocedure::text AS name,
    p.oid::pg_catalog.regprocedure::text AS label,
    coalesce(asked.listed, p.proname::text) AS listed,
    p.proowner AS owner,
    coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN LATERAL (
    SELECT listed
    FROM pg_catalog.unnest(%(objects)s::text[]) AS listed
    WHERE listed = p.proname
       OR (
           listed LIKE '%%(%%)'
           AND p.oid = pg_catalog.to_regprocedure(pg_catalog.format(
               '%%I.%%I(%%s', n.nspname, split_part(listed, '(', 1),
               substr(listed, strpos(listed, '(') + 1)
           ))
       )
    LIMIT 1
) asked ON true
WHERE n.nspname = %(schema)s
  AND p.prokind = ANY (%(kinds)s::"char"[])
  AND (%(objects)s::text[] IS NULL OR asked.listed IS NOT NULL)
