-- The membership this session granted, or would grant: PostgreSQL records a superuser's grants
-- under the bootstrap superuser (oid 10), and everybody else's under the role they act for.
-- Others' grants of the same membership, such as the one the creator of a role gets, stand
-- beside it and are not ours.
SELECT
    pg_catalog.pg_get_userbyid(m.grantor) AS grantor,
    m.admin_option AS admin,
    m.inherit_option AS inherit,
    m.set_option AS set
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
WHERE m.roleid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s)
  AND m.member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(member)s)
  AND CASE
          WHEN me.rolsuper THEN m.grantor = 10
          ELSE pg_catalog.pg_has_role(me.oid, m.grantor, 'USAGE')
      END
ORDER BY m.grantor = me.oid DESC, m.grantor
LIMIT 1
