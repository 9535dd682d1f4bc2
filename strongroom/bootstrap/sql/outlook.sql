-- In any database, as whoever: what hangs on a role, by database; where database is null, in none.
-- Default privileges and user mappings are the role's own and end with it; all else it owns is kept.
SELECT d.datname AS database,
       count(*) FILTER (WHERE s.deptype = 'o' AND s.classid NOT IN (
           'pg_catalog.pg_default_acl'::pg_catalog.regclass,
           'pg_catalog.pg_user_mapping'::pg_catalog.regclass)) AS owned,
       count(*) FILTER (WHERE s.deptype <> 'o' OR s.classid IN (
           'pg_catalog.pg_default_acl'::pg_catalog.regclass,
           'pg_catalog.pg_user_mapping'::pg_catalog.regclass)) AS rights,
       d.datname IS NULL OR d.datallowconn AND d.datconnlimit <> -2 AS enterable
FROM pg_catalog.pg_shdepend AS s
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
  AND s.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s)
GROUP BY d.datname, d.datallowconn, d.datconnlimit
ORDER BY d.datname NULLS LAST;
