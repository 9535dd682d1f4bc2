"""Stacks for live tests: one with the whole model that many share, and new ones to break."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import end_server
from tests.live.local_stack import LocalStack, apply_model
from tests.live.master_stack import MasterStack
from tests.live.standby import Standby

Session = psycopg.Connection[Any]


#: The two kinds of root there are: a superuser, and the master of an RDS instance. A module that
#: sets BOTH_KINDS_OF_ROOT has its tests run on both.
KINDS: dict[str, type[LocalStack]] = {"superuser": LocalStack, "master": MasterStack}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if getattr(metafunc.module, "BOTH_KINDS_OF_ROOT", False):
        for name, scope in (("stack", "session"), ("own_stack", "module")):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, list(KINDS), indirect=True, scope=scope)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def stacks(strongroom_home: Path) -> Iterator[dict[str, LocalStack]]:
    """The stacks that tests share, by kind of root."""
    made: dict[str, LocalStack] = {}
    yield made
    for stack in made.values():
        _remove(stack)


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, stacks: dict[str, LocalStack], strongroom_home: Path
) -> LocalStack:
    """A primary with roles and rights as the model has them; tests leave it as it was."""
    kind = getattr(request, "param", "superuser")
    if kind not in stacks:
        stacks[kind] = KINDS[kind](strongroom_home).make()
        apply_model(stacks[kind])
    return stacks[kind]


@pytest.fixture(scope="module")
def own_stack(request: pytest.FixtureRequest, strongroom_home: Path) -> Iterator[LocalStack]:
    """A primary of this module's own, without roles of people."""
    made = KINDS[getattr(request, "param", "superuser")](strongroom_home).make()
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
def superuser(stack: LocalStack) -> Iterator[Session]:
    """A session that sees everything; not root's where root is no superuser."""
    with stack.superuser("app") as connection:
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
