-- What hangs on a role where this session can deal with it: here, or in no database at all.
SELECT count(*) AS all, count(*) FILTER (WHERE s.deptype = 'o') AS owned
FROM pg_catalog.pg_shdepend s
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
  AND s.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(name)s)
  AND s.dbid IN (
      0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  )
