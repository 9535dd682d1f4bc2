-- In the application's database, as root: one sentence for everything that is not as the
-- bootstrap leaves it. Filled in are root's name, the roles it makes, the marker, and the most
-- rows a statement may touch.
SELECT format('database %s is owned by %s instead of %s', datname, datdba::regrole, {root})
FROM pg_database WHERE datname = current_database() AND datdba <> quote_ident({root})::regrole
UNION ALL
SELECT format('database %s admits only %s sessions', datname, datconnlimit)
FROM pg_database WHERE datname = current_database() AND datconnlimit <> -1
UNION ALL
SELECT format('PUBLIC has %s on database %s', string_agg(acl.privilege_type, ', '), datname)
FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
WHERE acl.grantee = 0 AND pg_has_role(datdba, 'USAGE') GROUP BY datname
UNION ALL
SELECT format('database %s does not say which environment it belongs to', datname)
FROM pg_database
WHERE datname = current_database()
  AND shobj_description(oid, 'pg_database') IS DISTINCT FROM {marker}
UNION ALL
SELECT format('PUBLIC has %s on schema public', string_agg(acl.privilege_type, ', '))
FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS acl
WHERE nspname = 'public' AND acl.grantee = 0 HAVING count(*) > 0
UNION ALL
SELECT format('role %s is missing', name)
FROM unnest({roles}::text[]) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
UNION ALL
SELECT format('role %s has attributes it must not have, or lacks one it needs', rolname)
FROM pg_roles
WHERE (rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls) <> CASE rolname
        WHEN 'provisioner' THEN ROW (false, true, false, true, false, false)
        WHEN 'app_owner' THEN ROW (false, false, false, false, false, false)
        WHEN 'replicator' THEN ROW (false, false, false, true, true, false)
    END AND rolname = ANY ({roles}::text[])
UNION ALL
SELECT format('role %s has attributes that only root may have', rolname)
FROM pg_roles
WHERE (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
  AND rolname NOT IN ({root}, 'provisioner') AND rolname <> ALL ({roles}::text[])
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
SELECT format('%s is in %s, which has rights over the whole server',
              pg_get_userbyid(member), pg_get_userbyid(roleid))
FROM pg_auth_members
WHERE pg_get_userbyid(roleid) ~ '^(pg_|rds)' AND pg_get_userbyid(roleid) <> 'rds_iam'
  AND pg_get_userbyid(member) NOT IN ({root}, 'provisioner')
  AND pg_get_userbyid(member) !~ '^(pg_|rds)'
UNION ALL
-- What RDS itself granted (its role is the first there was) is RDS's to know.
SELECT format('%s''s password opens nothing on RDS, which takes whoever is in rds_iam by IAM only: '
              'a grant of %s put it into %s',
              {root}, pg_get_userbyid(grantor), pg_get_userbyid(roleid))
FROM pg_auth_members
WHERE pg_get_userbyid(member) = {root} AND (inherit_option OR set_option) AND grantor <> 10
  AND pg_has_role(roleid, to_regrole('rds_iam'), 'MEMBER')
UNION ALL
SELECT format('%s keeps %s, which would blind the guards or the log',
              coalesce('role ' || rolname, 'database ' || datname, 'every role'), entry)
FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS entry
LEFT JOIN pg_roles AS r ON r.oid = setrole
LEFT JOIN pg_database AS d ON d.oid = setdatabase
WHERE split_part(entry, '=', 1) IN ('event_triggers', 'log_statement', 'log_min_messages',
                                    'log_min_error_statement', 'session_replication_role')
  AND coalesce(rolname, '') !~ '^rds'
  AND (rolname, datname, entry) IS DISTINCT FROM ({root}, NULL, 'log_statement=all')
  AND (rolname, datname, entry) IS DISTINCT FROM (NULL, current_database(), 'log_statement=mod')
  -- A service may be logged less, for load; nobody who has a tier.
  AND NOT (entry = 'log_statement=ddl' AND datname IS NULL AND rolname IS NOT NULL
           AND rolname NOT IN ({root}, 'provisioner', 'app_owner', 'replicator')
           AND NOT rolsuper AND NOT rolcreaterole
           AND coalesce(NOT pg_has_role(r.oid, to_regrole('tier_reader'), 'MEMBER'), true))
UNION ALL
SELECT format('the server does not log %s', CASE setrole WHEN 0 THEN 'changes of data, tables and rights'
                                                 ELSE 'what ' || {root} || ' does' END)
FROM (VALUES (0, current_database(), 'log_statement=mod'),
             (quote_ident({root})::regrole::oid, NULL, 'log_statement=all')
) AS wanted (setrole, datname, entry)
WHERE has_parameter_privilege('log_statement', 'SET') AND NOT EXISTS (
    SELECT FROM pg_db_role_setting AS s LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
    WHERE s.setrole = wanted.setrole AND d.datname IS NOT DISTINCT FROM wanted.datname
      AND wanted.entry = ANY (s.setconfig)
)
UNION ALL
SELECT format('%s may set %s, which could blind the guards or the log',
              pg_get_userbyid(acl.grantee), parname)
FROM pg_parameter_acl, aclexplode(paracl) AS acl
WHERE parname IN ('event_triggers', 'log_statement', 'log_min_messages',
                  'log_min_error_statement', 'session_replication_role')
  AND acl.grantee NOT IN (0, acl.grantor)
  AND (pg_get_userbyid(acl.grantee), parname) <> ('provisioner', 'log_statement')
  AND pg_get_userbyid(acl.grantee) !~ '^(pg_|rds)'
  AND has_parameter_privilege(parname, 'SET WITH GRANT OPTION')
UNION ALL
SELECT 'provisioner may not say which services are logged less'
WHERE has_parameter_privilege('log_statement', 'SET WITH GRANT OPTION')
  AND NOT has_parameter_privilege(coalesce(to_regrole('provisioner'), 0), 'log_statement', 'SET')
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
SELECT format('the guard %s is missing, changed or switched off', name)
FROM (VALUES ('strongroom_drop', 'sql_drop', 'strongroom.refuse_drop'),
             ('strongroom_owned', 'ddl_command_start', 'strongroom.refuse_drop'),
             ('strongroom_before', 'ddl_command_start', 'strongroom.remember'),
             ('strongroom_change', 'ddl_command_end', 'strongroom.refuse_change'),
             ('strongroom_new', 'ddl_command_end', 'strongroom.watch_new')
) AS guard (name, event, function)
WHERE NOT EXISTS (
    SELECT FROM pg_event_trigger JOIN pg_roles AS owner ON owner.oid = evtowner
    WHERE evtname = name AND evtevent = event AND evtfoid = to_regproc(function)
      AND evtenabled = 'A' AND (owner.rolname = {root} OR owner.rolsuper)
      AND cardinality(evttags) IS NOT DISTINCT FROM CASE name
          WHEN 'strongroom_owned' THEN 1 WHEN 'strongroom_before' THEN 7
          WHEN 'strongroom_change' THEN 7 WHEN 'strongroom_new' THEN 5 END
)
UNION ALL
SELECT format('the function strongroom.%s is missing', name)
FROM unnest(ARRAY['beat', 'named', 'refuse_mass_change', 'require', 'under_guard', 'unwatch', 'watch']) AS name
WHERE NOT EXISTS (
    SELECT FROM pg_proc WHERE proname = name AND pronamespace = to_regnamespace('strongroom')
      AND pg_get_userbyid(proowner) = {root}
)
UNION ALL
SELECT format('the guard against mass changes is %s on %s tables',
              CASE WHEN {most} = 0 THEN 'still' ELSE 'not as declared' END, count(*))
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE n.nspname = ANY ({schemas}::text[]) AND c.relkind IN ('r', 'p')
  AND (has_table_privilege(c.oid, 'TRIGGER') OR pg_get_userbyid(relowner) = 'provisioner')
  AND CASE WHEN {most} = 0 THEN 0 ELSE 3 END <> (
      SELECT count(*) FROM pg_trigger AS t
      WHERE tgrelid = c.oid AND t.tgname ^@ 'strongroom_' AND NOT t.tgisinternal
        AND ({most} = 0 OR tgenabled = 'O' AND tgargs = {most}::text::bytea || '\x00'::bytea)
  )
HAVING count(*) > 0;
