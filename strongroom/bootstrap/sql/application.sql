-- In the application's database, as root. The names of both, and the marker, are filled in.
ALTER DATABASE {database} OWNER TO {owner};

-- Readable by whoever is signed in, in whichever database of the cluster: `strongroom guard` asks
-- for it when nothing else tells what a connection leads to.
COMMENT ON DATABASE {database} IS {marker};

-- The provisioner hands CONNECT on to tiers and services and makes schemas; it does not own the
-- database, and there is no right that could let it drop what it does not own.
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO provisioner WITH GRANT OPTION;

-- EXECUTE is given to PUBLIC on every new routine unless the *global* default says otherwise
-- (a default IN SCHEMA can only add). A SECURITY DEFINER routine would lend its owner's rights.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE provisioner REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
