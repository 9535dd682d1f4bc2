-- What a role is given on an owner's future objects. Without a schema the default replaces
-- PostgreSQL's own, with one it adds to it. No row: the role, the owner or the schema is not there.
WITH grantee AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s
    UNION ALL
    SELECT 0 WHERE %(role)s = 'public'
),
place AS (
    SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s
    UNION ALL
    SELECT 0 WHERE %(schema)s::text IS NULL
)
SELECT
    pg_catalog.current_setting('server_version_num')::int AS version,
    coalesce(pg_catalog.array_agg(DISTINCT a.privilege_type)
        FILTER (WHERE a.grantee IS NOT NULL), '{}') AS privileges,
    coalesce(pg_catalog.array_agg(DISTINCT a.privilege_type)
        FILTER (WHERE a.is_grantable), '{}') AS grantable
FROM pg_catalog.pg_roles owner
CROSS JOIN grantee
CROSS JOIN place
LEFT JOIN pg_catalog.pg_default_acl d
    ON d.defaclrole = owner.oid
    AND d.defaclnamespace = place.oid
    AND d.defaclobjtype = %(kind)s::"char"
LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(
    d.defaclacl,
    CASE
        WHEN place.oid = 0
        THEN pg_catalog.acldefault(
            CASE %(kind)s WHEN 'S' THEN 's' ELSE %(kind)s END::"char", owner.oid
        )
    END
)) a ON a.grantee = grantee.oid
WHERE owner.rolname = %(owner)s
GROUP BY owner.oid, grantee.oid, place.oid
