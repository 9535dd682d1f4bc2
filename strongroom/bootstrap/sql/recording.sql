-- In the application's database, as root: what the server's log has to hold for a culprit to be
-- found in it. The database's name is filled in. Where the platform lets nobody set this from
-- within, its parameter group does.
DO $$
BEGIN
    IF has_parameter_privilege('log_statement', 'SET') THEN
        ALTER DATABASE {database} SET log_statement = 'mod';
        -- Root is nobody's role, so whatever it does is worth a line.
        EXECUTE format('ALTER ROLE %I SET log_statement = %L', current_user, 'all');
    END IF;
    -- So that services can be kept out of it for load; where root may not grant it, they are not.
    IF has_parameter_privilege('log_statement', 'SET WITH GRANT OPTION') THEN
        GRANT SET ON PARAMETER log_statement TO provisioner;
    END IF;
END
$$;
