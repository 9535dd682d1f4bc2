-- In the application's database, as root: an optional guard against the statement that was meant
-- for one row and takes them all. The most rows a statement may touch is filled in; 0 is off.
--
-- The statement has already done its work when this stops it, so it costs what it cost; it is
-- undone like any failed statement.
CREATE OR REPLACE FUNCTION strongroom.refuse_mass_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most bigint;
    name text;
    why text;
BEGIN
    IF tg_op <> 'TRUNCATE' THEN
        -- The usual statement touches one row: it is let go before anything else is worked out.
        IF NOT EXISTS (SELECT FROM touched OFFSET 1) THEN
            RETURN NULL;
        END IF;
        most := tg_argv[0];
        IF EXISTS (SELECT FROM touched OFFSET most) THEN
            why := format('touch more than %s rows of', most);
        -- What a function or a cascade does inside is judged by the number of rows alone.
        ELSIF current_query() ~* '\m(delete|update)\M' AND current_query() !~* '\mwhere\M' THEN
            why := 'touch, because it has no WHERE, every row of';
        ELSE
            RETURN NULL;
        END IF;
    END IF;
    name := format('%I.%I', tg_table_schema, tg_table_name);
    PERFORM strongroom.require(
        tg_op, concat_ws(' ', coalesce(why, 'empty'), name),
        ARRAY[concat_ws(' ', lower(tg_op), CASE tg_op WHEN 'DELETE' THEN 'from' END, name)]
    );
    RETURN NULL;
END
$$;

-- Takes the triggers off where they are not as wanted, so many at a time: each takes a lock on its
-- table to the end of the transaction, and a server has only so many. Returns how many it took off.
CREATE OR REPLACE FUNCTION strongroom.unwatch(most bigint, so_many integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    spare record;
    done integer := 0;
BEGIN
    FOR spare IN
        SELECT tgname, tgrelid::regclass AS place FROM pg_trigger
        WHERE tgname ^@ 'strongroom_' AND tgfoid = 'strongroom.refuse_mass_change()'::regprocedure
          AND NOT (most > 0 AND tgenabled = 'O'
                   AND tgargs = most::text::bytea || '\x00'::bytea
                   AND tgrelid IN (SELECT id FROM strongroom.under_guard()))
        LIMIT so_many
    LOOP
        PERFORM set_config('strongroom.confirm',
                           format('drop trigger %I on %s', spare.tgname, spare.place), true);
        EXECUTE format('DROP TRIGGER %I ON %s', spare.tgname, spare.place);
        done := done + 1;
    END LOOP;
    PERFORM set_config('strongroom.confirm', '', true);
    RETURN done;
END
$$;

-- Puts them on guarded tables that lack them, so many at a time; NULL is all at once. Returns how
-- many it put on.
CREATE OR REPLACE FUNCTION strongroom.watch(most bigint, so_many integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missing record;
    done integer := 0;
BEGIN
    IF most = 0 THEN
        RETURN 0;
    END IF;
    FOR missing IN
        SELECT c.oid::regclass AS place, op
        FROM strongroom.under_guard() AS g
        -- A foreign table keeps no transition table, and its rows are not here.
        JOIN pg_class AS c ON c.oid = g.id AND c.relkind IN ('r', 'p'),
        unnest(ARRAY['delete', 'update', 'truncate']) AS op
        WHERE has_table_privilege(c.oid, 'TRIGGER')
          AND NOT EXISTS (SELECT FROM pg_trigger
                          WHERE tgrelid = c.oid AND tgname = 'strongroom_' || op)
        LIMIT so_many
    LOOP
        EXECUTE format(
            'CREATE TRIGGER strongroom_%1$s %2$s %1$s ON %3$s %4$s FOR EACH STATEMENT '
            'EXECUTE FUNCTION strongroom.refuse_mass_change(%5$s)',
            missing.op, CASE missing.op WHEN 'truncate' THEN 'BEFORE' ELSE 'AFTER' END,
            missing.place,
            CASE WHEN missing.op <> 'truncate' THEN 'REFERENCING OLD TABLE AS touched' END, most
        );
        done := done + 1;
    END LOOP;
    RETURN done;
END
$$;

CREATE TABLE IF NOT EXISTS strongroom.mass_change (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    most bigint NOT NULL
);
INSERT INTO strongroom.mass_change (most) VALUES ({most})
ON CONFLICT (single) DO UPDATE SET most = excluded.most;

-- The same for tables that are made later, or moved under guard.
CREATE OR REPLACE FUNCTION strongroom.watch_new() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant bigint := (SELECT m.most FROM strongroom.mass_change AS m);
BEGIN
    IF EXISTS (
        SELECT FROM pg_event_trigger_ddl_commands()
        WHERE schema_name IN (SELECT name FROM strongroom.guarded_schema)
    ) THEN
        PERFORM strongroom.watch(most, NULL);
    END IF;
END
$$;
