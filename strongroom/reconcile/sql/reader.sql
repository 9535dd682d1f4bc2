-- Runs a query as whoever owns this function, who can only read. Inside a function that is SECURITY
-- DEFINER nobody can become somebody else, so that what a query calls, which may be anybody's work
-- (a view, a cast, an operator), does not run as root.
CREATE FUNCTION pg_temp.strongroom_read(query text, most integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    found record;
    told integer := 0;
BEGIN
    FOR found IN EXECUTE query LOOP
        RETURN NEXT row_to_json(found)::text;
        told := told + 1;
        EXIT WHEN told >= most;
    END LOOP;
END
$$;
ALTER FUNCTION pg_temp.strongroom_read(text, integer) OWNER TO pg_read_all_data;
