-- In the application's database, as root: tables and schemas under guard are dropped, given away
-- or taken out of guard only by a session that has said so first. The array of guarded schemas is
-- filled in. The event triggers go first and come back last, in the same transaction: one of the same
-- name may do something else, and they would stop what is put right here.
--
-- DROP DATABASE and TRUNCATE fire no event trigger: ownership and grants stop those.
DROP EVENT TRIGGER IF EXISTS strongroom_drop;
DROP EVENT TRIGGER IF EXISTS strongroom_owned;
DROP EVENT TRIGGER IF EXISTS strongroom_before;
DROP EVENT TRIGGER IF EXISTS strongroom_change;
DROP EVENT TRIGGER IF EXISTS strongroom_new;

CREATE SCHEMA IF NOT EXISTS strongroom;
REVOKE ALL ON SCHEMA strongroom FROM PUBLIC;

CREATE TABLE IF NOT EXISTS strongroom.guarded_schema (name text PRIMARY KEY);
DELETE FROM strongroom.guarded_schema WHERE name <> ALL ({schemas}::text[]);
INSERT INTO strongroom.guarded_schema SELECT unnest({schemas}::text[]) ON CONFLICT DO NOTHING;

-- What the session has named, parted at semicolons outside quotes; what is quoted keeps its case.
CREATE OR REPLACE FUNCTION strongroom.named() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN array(
    SELECT CASE WHEN part LIKE '%"%' THEN part ELSE lower(part) END
    FROM regexp_matches(
        coalesce(current_setting('strongroom.confirm', true), ''), '((?:[^;"]|"[^"]*")+)', 'g'
    ) AS hit, btrim(hit[1]) AS part
);

-- Stops the statement unless all of what it asks for was named.
CREATE OR REPLACE FUNCTION strongroom.require(command text, consequence text, asked text[])
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF asked <@ strongroom.named() THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'Strongroom stopped this %: it would %', command, consequence USING
        ERRCODE = 'insufficient_privilege',
        DETAIL = 'What is under guard is dropped or given away only by a session that has named '
            'it, so that a script pointed at the wrong database stops here.',
        HINT = format('If you mean it: SET strongroom.confirm = %L;', array_to_string(asked, '; '));
END
$$;

-- SECURITY DEFINER so that the list is read whoever drops; it changes nothing.
CREATE OR REPLACE FUNCTION strongroom.refuse_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lost text;
    asked text[];
BEGIN
    IF tg_event = 'ddl_command_start' THEN
        -- pulumi_postgresql ends a leaver's role with it. What it drops is still guarded below.
        IF session_user = 'provisioner' THEN
            RETURN;
        END IF;
        -- A member inherits its tier's rights, and with them it could throw away the tier's
        -- default privileges. People and services own nothing, so they have no use for this.
        IF current_setting('role') <> 'app_owner'
            AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND rolcreaterole)
        THEN
            RAISE EXCEPTION 'Strongroom stopped this %: it would take rights from others', tg_tag
            USING ERRCODE = 'insufficient_privilege',
                DETAIL = 'Only who manages roles, or has switched to app_owner, may DROP OWNED.';
        END IF;
        lost := 'everything a role owns in this database, and every right it was given';
        PERFORM strongroom.require(tg_tag, 'lose ' || lost, ARRAY['drop owned']);
        RETURN;
    END IF;
    SELECT string_agg(object_identity, ', ' ORDER BY object_identity) INTO lost
    FROM pg_event_trigger_dropped_objects()
    WHERE NOT is_temporary
      AND (coalesce(schema_name, object_name) IN (SELECT name FROM strongroom.guarded_schema)
               AND object_type IN ('table', 'foreign table', 'materialized view', 'schema',
                                   'table column')
           OR object_type = 'trigger' AND original AND object_identity ^@ 'strongroom_'
           OR schema_name = 'strongroom' AND object_type IN ('table', 'function')
           OR object_type = 'schema' AND object_name = 'strongroom');
    IF lost IS NOT NULL THEN
        asked := array(
            SELECT concat_ws(' ', 'drop', replace(object_type, 'table column', 'column'),
                             object_identity)
            FROM pg_event_trigger_dropped_objects() WHERE original
            ORDER BY object_identity
        );
        PERFORM strongroom.require(tg_tag, 'lose ' || lost, asked);
    END IF;
END
$$;

-- What is under guard: by object id its kind, its name and its owner; and the triggers of the
-- guard against mass changes, with whether they are enabled.
CREATE OR REPLACE FUNCTION strongroom.under_guard()
RETURNS TABLE (id oid, kind text, name text, state text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.oid, CASE c.relkind WHEN 'm' THEN 'materialized view'
                                 WHEN 'f' THEN 'foreign table' ELSE 'table' END,
           format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)
    FROM strongroom.guarded_schema AS s
    JOIN pg_namespace AS n ON n.nspname = s.name
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'm', 'f')
    UNION ALL
    SELECT n.oid, 'schema', format('%I', n.nspname), pg_get_userbyid(n.nspowner)
    FROM strongroom.guarded_schema AS s
    JOIN pg_namespace AS n ON n.nspname = s.name
    UNION ALL
    SELECT t.oid, 'trigger', format('%I on %I.%I', t.tgname, n.nspname, c.relname), t.tgenabled::text
    FROM strongroom.guarded_schema AS s
    JOIN pg_namespace AS n ON n.nspname = s.name
    JOIN pg_class AS c ON c.relnamespace = n.oid
    JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgname ^@ 'strongroom_' AND NOT t.tgisinternal;
END;

-- Before a command that could change an owner or a schema: how it was.
CREATE OR REPLACE FUNCTION strongroom.remember() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('strongroom.before', coalesce(
        (SELECT jsonb_object_agg(id, jsonb_build_array(kind, name, state))::text
         FROM strongroom.under_guard()),
        jsonb_build_object()::text), true);
END
$$;

-- After it: nothing may have left the guard, or app_owner's hands, without being named.
CREATE OR REPLACE FUNCTION strongroom.refuse_change() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked text[];
BEGIN
    SELECT array_agg(what ORDER BY what) INTO asked
    FROM (
        SELECT CASE
            WHEN now.id IS NULL
                THEN format('take %s %s out of guard', was.value ->> 0, was.value ->> 1)
            WHEN now.kind = 'trigger' THEN 'disable trigger ' || (was.value ->> 1)
            ELSE format('change owner of %s %s', was.value ->> 0, was.value ->> 1)
        END AS what
        FROM jsonb_each(current_setting('strongroom.before')::jsonb) AS was
        LEFT JOIN strongroom.under_guard() AS now ON now.id = was.key::oid
        WHERE now.id IS NULL
           OR now.state <> was.value ->> 2 AND now.state NOT IN ('app_owner', 'O')
              -- Schemas are the provisioner's, and so is what a leaver leaves behind.
              AND NOT (now.state = 'provisioner' AND was.value ->> 2 <> 'app_owner')
    ) AS changes;
    IF asked IS NOT NULL THEN
        PERFORM strongroom.require(tg_tag, array_to_string(asked, ', '), asked);
    END IF;
END
$$;
