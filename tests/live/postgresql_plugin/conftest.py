"""A server for the tests of the postgresql plugin, the same at the start of each of them."""

from collections.abc import Iterator

import pytest

from strongroom.provider.postgresql.session import Session
from tests.live.postgresql_plugin.life import Root, settings
from tests.live.postgresql_server import Server, running_server

#: Takes away whatever a test left.
RESET = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
    FOR name IN SELECT evtname FROM pg_event_trigger LOOP
        EXECUTE format('DROP EVENT TRIGGER %I', name);
    END LOOP;
    FOR name IN SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_|^root$' LOOP
        EXECUTE format('DROP OWNED BY %I CASCADE', name);
    END LOOP;
    CREATE SCHEMA public;
END
$$
"""
DROP_ROLES = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_|^root$' LOOP
        EXECUTE format('DROP ROLE %I', name);
    END LOOP;
END
$$
"""

#: The access model before Pulumi comes in: see the platform's root bootstrap.
MODEL = """
CREATE ROLE provisioner LOGIN CREATEROLE;
CREATE ROLE app_owner;
GRANT app_owner TO provisioner WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;
REVOKE ALL ON DATABASE app FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE app TO provisioner WITH GRANT OPTION;
CREATE SCHEMA shop AUTHORIZATION provisioner;
GRANT USAGE, CREATE ON SCHEMA shop TO app_owner;
SET ROLE app_owner;
CREATE TABLE shop.customer (id serial PRIMARY KEY, name text, email text);
CREATE TABLE shop."Order" (id serial PRIMARY KEY, total int);
CREATE VIEW shop.totals AS SELECT sum(total) FROM shop."Order";
CREATE FUNCTION shop.area(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 * $2';
CREATE FUNCTION shop.area(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE PROCEDURE shop.tidy() LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
"""


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Server]:
    """One server for all tests of a run."""
    with running_server() as server:
        yield server


@pytest.fixture
def pg_root(pg_server: Server) -> Iterator[Root]:
    """Root's session in the database app, in a cluster that holds the model and nothing else."""
    with pg_server.root("other") as other:
        other.execute(RESET)
    with pg_server.root() as root:
        root.execute(RESET)
        root.execute(DROP_ROLES)
        root.execute(MODEL)
        yield root


@pytest.fixture
def pg_session(pg_server: Server, pg_root: Root) -> Iterator[Session]:
    """The plugin's session, signed in as the provisioner with its certificate."""
    session = Session(settings(pg_server))
    yield session
    session.close()


@pytest.fixture
def tiers(pg_root: Root) -> Root:
    """Root's session, with two roles of the provisioner's."""
    pg_root.execute("SET ROLE provisioner; CREATE ROLE reader; CREATE ROLE writer; RESET ROLE")
    return pg_root
