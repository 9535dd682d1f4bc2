-- What a server has that grew by hand: its tables are the master's, or an application's.
CREATE ROLE "alice.jones" LOGIN PASSWORD 'of a rehearsal';
CREATE ROLE web_api LOGIN PASSWORD 'of a rehearsal' CONNECTION LIMIT 20;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id serial PRIMARY KEY, total int NOT NULL);
CREATE VIEW shop.totals AS SELECT sum(total) AS total FROM shop.orders;
INSERT INTO shop.orders (total) SELECT n FROM generate_series(1, 1000) AS n;
GRANT USAGE ON SCHEMA shop TO "alice.jones";
GRANT USAGE, CREATE ON SCHEMA shop TO web_api;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO "alice.jones";
GRANT SELECT, INSERT, UPDATE ON shop.orders TO web_api;
GRANT USAGE ON SEQUENCE shop.orders_id_seq TO web_api;
-- The master is no superuser: to act as another role it has to be in it.
GRANT web_api TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;
SET ROLE web_api;
CREATE TABLE shop.events (id int GENERATED ALWAYS AS IDENTITY, what text);
INSERT INTO shop.events (what) VALUES ('of the application');
GRANT SELECT ON shop.events TO "alice.jones";
RESET ROLE;
REVOKE web_api FROM CURRENT_USER GRANTED BY CURRENT_USER;
