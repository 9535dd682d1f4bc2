-- In one database, with the rights of the leaver {role}: what runs with its owner's rights would
-- run with app_owner's once it is given away, and whoever may use it would have those. From now on
-- it runs with the caller's.
DO $$
DECLARE
    armed record;
BEGIN
    FOR armed IN
        SELECT oid::pg_catalog.regprocedure AS name FROM pg_catalog.pg_proc
        WHERE pg_get_userbyid(proowner) = {role} AND prosecdef
    LOOP
        EXECUTE pg_catalog.format('ALTER ROUTINE %s SECURITY INVOKER', armed.name);
    END LOOP;
    FOR armed IN
        SELECT oid::pg_catalog.regclass AS name FROM pg_catalog.pg_class
        WHERE pg_get_userbyid(relowner) = {role} AND relkind = 'v'
    LOOP
        EXECUTE pg_catalog.format('ALTER VIEW %s SET (security_invoker = true)', armed.name);
    END LOOP;
    -- The actions of a rule always have the rights of the owner, so nobody else may set one off.
    FOR armed IN
        SELECT DISTINCT c.oid::pg_catalog.regclass AS name, acl.grantee
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.ev_type <> '1'
        CROSS JOIN pg_catalog.aclexplode(c.relacl) AS acl
        WHERE pg_get_userbyid(c.relowner) = {role} AND acl.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format(
            'REVOKE INSERT, UPDATE, DELETE ON %s FROM %s CASCADE', armed.name,
            CASE armed.grantee WHEN 0 THEN 'PUBLIC' ELSE armed.grantee::pg_catalog.regrole::text END
        );
    END LOOP;
END
$$;
