"""Stacks for live tests: one with the whole model that many share, and new ones to break."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import end_server
from tests.live.local_stack import LocalStack, apply_model
from tests.live.standby import Standby

Session = psycopg.Connection[Any]


@pytest.fixture(scope="session")
def stack(strongroom_home: Path) -> Iterator[LocalStack]:
    """A primary with roles and rights as the model has them; tests leave it as it was."""
    made = LocalStack(strongroom_home).make()
    apply_model(made)
    yield made
    _remove(made)


@pytest.fixture(scope="module")
def own_stack(strongroom_home: Path) -> Iterator[LocalStack]:
    """A primary of this module's own, without roles of people."""
    made = LocalStack(strongroom_home).make()
    yield made
    _remove(made)


@pytest.fixture
def empty_stack(strongroom_home: Path) -> Iterator[LocalStack]:
    """A folder in which nothing has been made yet."""
    made = LocalStack(strongroom_home)
    yield made
    _remove(made)


def _remove(stack: LocalStack) -> None:
    for facts in stack.folder.rglob("cluster.json"):
        end_server(facts.parent)
    shutil.rmtree(stack.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def session_of(stack: LocalStack) -> Iterator[Callable[[str], Session]]:
    """Sessions over TCP with certificates, one for each role, kept open between tests."""
    opened: dict[str, Session] = {}

    def session(role: str) -> Session:
        if role not in opened:
            opened[role] = stack.sign_in(role)
        opened[role].execute("RESET ROLE")
        opened[role].execute("RESET ALL")
        return opened[role]

    yield session
    for connection in opened.values():
        connection.close()


@pytest.fixture
def root(stack: LocalStack) -> Iterator[Session]:
    """Root's session in the application database, through the socket."""
    with stack.root() as connection:
        yield connection


@pytest.fixture
def sound(own_stack: LocalStack) -> Iterator[LocalStack]:
    """The module's primary, sound and with a row that must be there afterwards as well."""
    if own_stack.primary.refresh():
        own_stack.primary.up()
    with own_stack.root() as root:
        root.execute("CREATE TABLE IF NOT EXISTS kept (id int PRIMARY KEY)")
        root.execute("INSERT INTO kept VALUES (1) ON CONFLICT DO NOTHING")
    yield own_stack
    with own_stack.root() as root:
        assert root.execute("SELECT count(*) FROM kept").fetchone() == (1,)


@pytest.fixture(scope="module")
def module_standby(own_stack: LocalStack) -> Standby:
    """The module's primary with a replica."""
    return Standby(own_stack)


@pytest.fixture
def standby(module_standby: Standby) -> Standby:
    """The module's primary and replica, sound; the test may break them."""
    module_standby.put_right()
    return module_standby
