"""A house in which tables are lost, and a search for who did it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from strongroom.cluster.vault import Vault
from strongroom.incident.events import Findings
from strongroom.incident.find import find
from tests.live.incident.scene import Search
from tests.live.local_stack import LocalStack, apply_model


@pytest.fixture(scope="module")
def house(own_stack: LocalStack) -> LocalStack:
    """A primary with roles and rights, which every test of this module adds tables to."""
    apply_model(own_stack)
    return own_stack


@pytest.fixture
def search(house: LocalStack) -> Search:
    """Looks for what happened since the test began."""
    time.sleep(0.002)
    since = datetime.now(UTC)

    def searched(**how: Any) -> Findings:
        return find(house.cluster, Vault(house.folder / "vault", house.cluster.user), since, **how)

    return searched


@pytest.fixture
def ada(house: LocalStack) -> Iterator[psycopg.Connection[Any]]:
    """A senior's session, as the owner of tables."""
    with house.sign_in("ada", application_name="psql") as session:
        session.execute("SET ROLE app_owner")
        yield session


@pytest.fixture
def service(house: LocalStack) -> Iterator[psycopg.Connection[Any]]:
    """The session of a service that is logged less, as the owner of tables."""
    with house.root() as root:
        root.execute("ALTER ROLE migrator SET log_statement = 'ddl'")
    with house.sign_in("migrator", application_name="cron") as session:
        session.execute("SET ROLE app_owner")
        yield session


@pytest.fixture
def table(ada: psycopg.Connection[Any], request: pytest.FixtureRequest) -> str:
    """A table of the test's own, with 1,500 rows; not to be dropped without naming it."""
    name = f"app.t{time.monotonic_ns()}"
    ada.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, body text)".encode())
    ada.execute(f"INSERT INTO {name} SELECT n, 'x' FROM generate_series(1, 1500) AS n".encode())
    ada.execute(f"SET strongroom.confirm = 'drop table {name}'".encode())
    return name
