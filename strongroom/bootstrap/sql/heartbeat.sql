-- In the application's database, as root: what a delayed replica needs. It holds back commits
-- only, so without a commit now and then a DROP DATABASE is replayed at once; and the time in
-- the row tells how old the replica's data is.
CREATE TABLE IF NOT EXISTS strongroom.heartbeat (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    beat timestamptz NOT NULL,
    lsn pg_lsn NOT NULL
) WITH (fillfactor = 10);

CREATE OR REPLACE FUNCTION strongroom.beat() RETURNS timestamptz
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO strongroom.heartbeat (beat, lsn)
    VALUES (clock_timestamp(), pg_current_wal_insert_lsn())
    ON CONFLICT (single) DO UPDATE SET beat = excluded.beat, lsn = excluded.lsn
    RETURNING beat;
END;

GRANT USAGE ON SCHEMA strongroom TO provisioner;
GRANT SELECT ON strongroom.heartbeat TO provisioner;
GRANT EXECUTE ON FUNCTION strongroom.beat() TO provisioner;
