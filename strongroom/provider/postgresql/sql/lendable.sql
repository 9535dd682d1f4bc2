-- The roles of a list whose rights this session lacks and can lend itself.
SELECT r.rolname AS role, current_user AS member
FROM pg_catalog.pg_roles r
WHERE r.rolname = ANY (%(roles)s)
  AND r.rolname <> current_user
  AND NOT (
      pg_catalog.pg_has_role(current_user, r.oid, 'USAGE')
      AND pg_catalog.pg_has_role(current_user, r.oid, 'SET')
  )
  AND pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION')
ORDER BY r.rolname
