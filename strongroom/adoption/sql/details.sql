-- What a role has besides rights; settings that hold in every database.
SELECT rolname, r.oid = 10, rolinherit, rolconnlimit,
       coalesce(nullif(rolvaliduntil, 'infinity')::text, ''),
       coalesce((SELECT setconfig FROM pg_catalog.pg_db_role_setting
                 WHERE setrole = r.oid AND setdatabase = 0), '{}')
FROM pg_catalog.pg_roles AS r
