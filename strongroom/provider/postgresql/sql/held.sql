-- What a role holds on each of some objects, whoever granted it. No row at all: the role or the
-- schema is not there. One row without a name: there is no such object.
WITH grantee AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s
    UNION ALL
    SELECT 0 WHERE %(role)s = 'public'
),
place AS (
    SELECT WHERE %(schema)s::text IS NULL
        OR EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s)
),
object AS ({objects})
SELECT
    pg_catalog.current_setting('server_version_num')::int AS version,
    object.name,
    object.label,
    object.listed,
    pg_catalog.pg_get_userbyid(object.owner) AS owner,
    coalesce(held.privileges, '{{}}') AS privileges,
    coalesce(held.grantable, '{{}}') AS grantable,
    coalesce(held.grantors, '{{}}') AS grantors
FROM grantee
CROSS JOIN place
LEFT JOIN object ON true
LEFT JOIN LATERAL (
    SELECT
        pg_catalog.array_agg(DISTINCT a.privilege_type) AS privileges,
        pg_catalog.array_agg(DISTINCT a.privilege_type) FILTER (WHERE a.is_grantable) AS grantable,
        pg_catalog.array_agg(a.privilege_type || ' by ' || pg_catalog.pg_get_userbyid(a.grantor))
            AS grantors
    FROM pg_catalog.aclexplode(object.acl) a
    WHERE a.grantee = grantee.oid
      AND a.privilege_type = ANY (%(judged)s)
) held ON true
ORDER BY object.label
