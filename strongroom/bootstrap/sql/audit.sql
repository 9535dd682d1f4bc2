-- In the application's database, as root: one sentence for everything that is not as the
-- bootstrap leaves it. Root's name is filled in.
SELECT format('database %s is owned by %s instead of %s', datname, datdba::regrole, {root})
FROM pg_database WHERE datname = current_database() AND datdba <> {root}::regrole
UNION ALL
SELECT format('database %s admits only %s sessions', datname, datconnlimit)
FROM pg_database WHERE datname = current_database() AND datconnlimit <> -1
UNION ALL
SELECT format('PUBLIC has %s on database %s', string_agg(acl.privilege_type, ', '), datname)
FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
WHERE acl.grantee = 0 GROUP BY datname
UNION ALL
SELECT format('PUBLIC has %s on schema public', string_agg(acl.privilege_type, ', '))
FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS acl
WHERE nspname = 'public' AND acl.grantee = 0 HAVING count(*) > 0
UNION ALL
SELECT format('role %s is missing', name)
FROM unnest(ARRAY['provisioner', 'app_owner', 'replicator']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
UNION ALL
SELECT format('role %s has attributes it must not have, or lacks one it needs', rolname)
FROM pg_roles
WHERE (rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls) <> CASE rolname
        WHEN 'provisioner' THEN ROW (false, true, false, true, false, false)
        WHEN 'app_owner' THEN ROW (false, false, false, false, false, false)
        WHEN 'replicator' THEN ROW (false, false, false, true, true, false)
    END
UNION ALL
SELECT format('role %s has attributes that only root may have', rolname)
FROM pg_roles
WHERE (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
  AND rolname NOT IN ({root}, 'provisioner', 'app_owner', 'replicator')
  AND rolname !~ '^(pg_|rds)'
UNION ALL
SELECT format('%s is in %s by a grant of %s instead of the provisioner',
              pg_get_userbyid(member), pg_get_userbyid(roleid), pg_get_userbyid(grantor))
FROM pg_auth_members
WHERE pg_get_userbyid(roleid)
      IN ('app_owner', 'ddl_gate', 'tier_reader', 'tier_writer', 'tier_full', 'provisioner')
  AND pg_get_userbyid(member) NOT IN ({root}, 'provisioner')
  AND pg_get_userbyid(grantor) <> 'provisioner'
UNION ALL
SELECT 'provisioner is not a member of app_owner with ADMIN, INHERIT and SET'
WHERE NOT EXISTS (
    SELECT FROM pg_auth_members
    WHERE pg_get_userbyid(roleid) = 'app_owner' AND pg_get_userbyid(member) = 'provisioner'
      AND admin_option AND inherit_option AND set_option
)
UNION ALL
SELECT format('new routines of %s can be executed by PUBLIC', name)
FROM unnest(ARRAY[{root}, 'provisioner', 'app_owner']) AS name
WHERE NOT EXISTS (
    SELECT FROM pg_default_acl
    WHERE defaclrole = to_regrole(quote_ident(name)) AND defaclnamespace = 0 AND defaclobjtype = 'f'
      AND NOT EXISTS (SELECT FROM aclexplode(defaclacl) AS acl WHERE acl.grantee = 0)
)
UNION ALL
SELECT format('the guard %s against dropping is missing, changed or switched off', name)
FROM (VALUES ('strongroom_drop', 'sql_drop', NULL),
             ('strongroom_owned', 'ddl_command_start', ARRAY['DROP OWNED'])
) AS guard (name, event, tags)
WHERE NOT EXISTS (
    SELECT FROM pg_event_trigger
    WHERE evtname = name AND evtevent = event AND evttags IS NOT DISTINCT FROM tags
      AND evtfoid = to_regproc('strongroom.refuse_drop')
      AND evtenabled = 'A' AND evtowner = {root}::regrole
);
