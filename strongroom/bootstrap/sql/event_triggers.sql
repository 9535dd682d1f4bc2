-- In the application's database, as root, after guard.sql has dropped what was there. On RDS the
-- master may do this without being a superuser. REASSIGN OWNED fires no event trigger: it takes the
-- rights of both roles, which no person and no service has.
CREATE EVENT TRIGGER strongroom_drop ON sql_drop EXECUTE FUNCTION strongroom.refuse_drop();
CREATE EVENT TRIGGER strongroom_owned ON ddl_command_start WHEN TAG IN ('DROP OWNED')
    EXECUTE FUNCTION strongroom.refuse_drop();
CREATE EVENT TRIGGER strongroom_before ON ddl_command_start
    WHEN TAG IN ('ALTER FOREIGN TABLE', 'ALTER INDEX', 'ALTER MATERIALIZED VIEW', 'ALTER SCHEMA',
                 'ALTER SEQUENCE', 'ALTER TABLE', 'ALTER VIEW')
    EXECUTE FUNCTION strongroom.remember();
CREATE EVENT TRIGGER strongroom_change ON ddl_command_end
    WHEN TAG IN ('ALTER FOREIGN TABLE', 'ALTER INDEX', 'ALTER MATERIALIZED VIEW', 'ALTER SCHEMA',
                 'ALTER SEQUENCE', 'ALTER TABLE', 'ALTER VIEW')
    EXECUTE FUNCTION strongroom.refuse_change();
CREATE EVENT TRIGGER strongroom_new ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'CREATE SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
    EXECUTE FUNCTION strongroom.watch_new();

-- ALWAYS: session_replication_role must not be a way round it.
ALTER EVENT TRIGGER strongroom_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER strongroom_owned ENABLE ALWAYS;
ALTER EVENT TRIGGER strongroom_before ENABLE ALWAYS;
ALTER EVENT TRIGGER strongroom_change ENABLE ALWAYS;
ALTER EVENT TRIGGER strongroom_new ENABLE ALWAYS;
