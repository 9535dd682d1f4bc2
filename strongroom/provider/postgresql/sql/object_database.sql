SELECT datname::text AS name, datname::text AS label, NULL::text AS listed, datdba AS owner,
    coalesce(datacl, pg_catalog.acldefault('d', datdba)) AS acl
FROM pg_catalog.pg_database
WHERE datname = %(database)s
