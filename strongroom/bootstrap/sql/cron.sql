-- In the application's database, as root, where pg_cron keeps its jobs there: the clock of the
-- heartbeat. A job runs as whoever made it, so these are the provisioner's; root signs in for what
-- only root can do. Run again at any time.
CREATE OR REPLACE FUNCTION strongroom.tell_heartbeat() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What another transaction has committed; its own would prove nothing.
    last timestamptz := (SELECT beat FROM strongroom.heartbeat);
BEGIN
    IF clock_timestamp() - last < interval '30 seconds' THEN
        RAISE LOG 'strongroom heartbeat: commits arrive';
    ELSE
        RAISE WARNING 'strongroom heartbeat: the last commit arrived %',
            coalesce((clock_timestamp() - last)::text || ' ago', 'never');
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION strongroom.tell_heartbeat() TO provisioner;
GRANT USAGE ON SCHEMA cron TO provisioner;

SET LOCAL ROLE provisioner;
-- A job of the same name and person is changed, not made twice.
SELECT cron.schedule('strongroom beat', '2 seconds', 'SELECT strongroom.beat()');
SELECT cron.schedule('strongroom tell', '* * * * *', 'SELECT strongroom.tell_heartbeat()');
RESET ROLE;
