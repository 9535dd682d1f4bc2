-- What root does before the program runs: the owner of the tables, a role of an old application,
-- and a schema that is there already with everything a Grant can be about.
CREATE ROLE app_owner;
GRANT app_owner TO provisioner WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;
CREATE ROLE legacy_app LOGIN;
GRANT legacy_app TO provisioner WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE app TO provisioner WITH GRANT OPTION;

CREATE SCHEMA shop AUTHORIZATION provisioner;
GRANT USAGE, CREATE ON SCHEMA shop TO app_owner;
SET ROLE app_owner;
CREATE TABLE shop.customer (id serial PRIMARY KEY, name text, email text);
CREATE TABLE shop."Order" (id serial PRIMARY KEY, customer int REFERENCES shop.customer, total int);
CREATE TABLE shop.event (at timestamptz, what text) PARTITION BY RANGE (at);
CREATE TABLE shop.event_2030 PARTITION OF shop.event
    FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
CREATE VIEW shop.totals AS SELECT customer, sum(total) FROM shop."Order" GROUP BY customer;
CREATE MATERIALIZED VIEW shop.frozen AS SELECT count(*) FROM shop.customer;
CREATE SEQUENCE shop.invoice;
CREATE FUNCTION shop.area(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 * $2';
CREATE FUNCTION shop.area(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION shop.now_utc() RETURNS timestamp LANGUAGE sql AS $$SELECT now() AT TIME ZONE 'UTC'$$;
CREATE PROCEDURE shop.tidy() LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA shop FROM PUBLIC;
RESET ROLE;
