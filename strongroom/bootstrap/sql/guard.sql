-- In the application's database, as root: guarded tables and schemas are dropped only by a
-- session that has said their name. The array of guarded schemas is filled in.
--
-- DROP DATABASE and TRUNCATE fire no event trigger: ownership and grants stop those.
CREATE SCHEMA IF NOT EXISTS strongroom;
REVOKE ALL ON SCHEMA strongroom FROM PUBLIC;

CREATE TABLE IF NOT EXISTS strongroom.guarded_schema (name text PRIMARY KEY);
DELETE FROM strongroom.guarded_schema WHERE name <> ALL ({schemas}::text[]);
INSERT INTO strongroom.guarded_schema SELECT unnest({schemas}::text[]) ON CONFLICT DO NOTHING;

-- SECURITY DEFINER so that the list is read whoever drops; it changes nothing.
CREATE OR REPLACE FUNCTION strongroom.refuse_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named text[] := array(
        -- Parted at semicolons outside quotes; what is quoted keeps its case.
        SELECT CASE WHEN part LIKE '%"%' THEN part ELSE lower(part) END
        FROM regexp_matches(
            coalesce(current_setting('strongroom.confirm', true), ''), '((?:[^;"]|"[^"]*")+)', 'g'
        ) AS hit, btrim(hit[1]) AS part
    );
    asked text[];
    lost text;
BEGIN
    IF tg_event = 'ddl_command_start' THEN
        -- A member inherits its tier's rights, and with them it could throw away the tier's
        -- default privileges. People and services own nothing, so they have no use for this.
        IF current_setting('role') <> 'app_owner'
            AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND rolcreaterole)
        THEN
            RAISE EXCEPTION 'Strongroom stopped this %: it would take rights from others', tg_tag
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = 'Only who manages roles, or has switched to app_owner, may DROP OWNED.';
        END IF;
        asked := ARRAY['drop owned'];
        lost := 'everything a role owns in this database, and every right it was given';
    ELSE
        SELECT string_agg(object_identity, ', ' ORDER BY object_identity) INTO lost
        FROM pg_event_trigger_dropped_objects()
        WHERE object_type IN ('table', 'foreign table', 'materialized view', 'schema')
          AND NOT is_temporary
          AND coalesce(schema_name, object_name) IN (
              SELECT name FROM strongroom.guarded_schema UNION ALL SELECT 'strongroom'
          );
        IF lost IS NULL THEN
            RETURN;
        END IF;
        asked := array(
            SELECT 'drop ' || object_type || ' ' || object_identity
            FROM pg_event_trigger_dropped_objects() WHERE original
            ORDER BY object_identity
        );
    END IF;
    IF asked <@ named THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'Strongroom stopped this %: it would lose %', tg_tag, lost USING
        ERRCODE = 'insufficient_privilege',
        DETAIL = 'Tables and schemas under guard are dropped only by a session that has named '
            'them, so that a script pointed at the wrong database stops here.',
        HINT = format('If you mean it: SET strongroom.confirm = %L;', array_to_string(asked, '; '));
END
$$;

-- Made anew each time, in this transaction: one of the same name may do something else.
DROP EVENT TRIGGER IF EXISTS strongroom_drop;
CREATE EVENT TRIGGER strongroom_drop ON sql_drop EXECUTE FUNCTION strongroom.refuse_drop();
DROP EVENT TRIGGER IF EXISTS strongroom_owned;
CREATE EVENT TRIGGER strongroom_owned ON ddl_command_start WHEN TAG IN ('DROP OWNED')
    EXECUTE FUNCTION strongroom.refuse_drop();
-- ALWAYS: session_replication_role must not be a way round it.
ALTER EVENT TRIGGER strongroom_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER strongroom_owned ENABLE ALWAYS;
