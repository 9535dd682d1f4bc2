-- What RDS documents of its roles: rdsadmin is the one superuser, and its database lets nobody in;
-- the master has CREATEROLE and CREATEDB, is a member of rds_superuser, and hands rds_iam on.
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
GRANT SET ON PARAMETER log_statement, session_replication_role TO rds_superuser;
CREATE ROLE {master} LOGIN NOSUPERUSER CREATEROLE CREATEDB;
GRANT rds_superuser TO {master};
GRANT rds_iam TO {master} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
ALTER DATABASE postgres OWNER TO {master};
ALTER DATABASE template1 OWNER TO {master};
