"""Stacks for live tests: one with the whole model that many share, and new ones to break."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import end_server
from tests.live.local_stack import LocalStack, apply_model

Session = psycopg.Connection[Any]


@pytest.fixture(scope="session")
def stack(strongroom_home: Path) -> Iterator[LocalStack]:
    """A primary with roles and rights as the model has them; tests leave it as it was."""
    made = LocalStack(strongroom_home).make()
    apply_model(made)
    yield made
    end_server(made.folder / "primary")


@pytest.fixture(scope="module")
def own_stack(strongroom_home: Path) -> Iterator[LocalStack]:
    """A primary of this module's own, without roles of people."""
    made = LocalStack(strongroom_home).make()
    yield made
    _end_all(made)


@pytest.fixture
def empty_stack(strongroom_home: Path) -> Iterator[LocalStack]:
    """A folder in which nothing has been made yet."""
    made = LocalStack(strongroom_home)
    yield made
    _end_all(made)


def _end_all(stack: LocalStack) -> None:
    for facts in stack.folder.rglob("cluster.json"):
        end_server(facts.parent)


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
