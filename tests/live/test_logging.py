"""Whose changes of data are in the server's log: everybody's but those of declared services."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from strongroom.provider.access.logging import Logging
from strongroom.provider.resource import Refusal
from strongroom.tiers import PROVISIONER
from tests.live.local_stack import LocalStack, Managed

BOTH_KINDS_OF_ROOT = True

pytestmark = pytest.mark.live


@pytest.fixture
def logging(stack: LocalStack, superuser: psycopg.Connection[Any]) -> Iterator[Managed]:
    """Declared for the service ``web``, where the provisioner may."""
    if not _may(stack):
        superuser.execute("GRANT SET ON PARAMETER log_statement TO provisioner")
    managed = Managed(Logging(), "logging")
    managed.create(sign_in=stack.parameters(PROVISIONER), less=["web"])
    yield managed
    superuser.execute("ALTER ROLE web RESET log_statement")


def _may(stack: LocalStack) -> bool:
    with stack.sign_in(PROVISIONER) as session:
        query = "SELECT has_parameter_privilege('log_statement', 'SET')"
        return session.execute(query).fetchone() == (True,)


def _logged(stack: LocalStack, role: str) -> str:
    with stack.sign_in(role) as session:
        row = session.execute("SHOW log_statement").fetchone()
    return str(row[0]) if row else ""


def test_a_service_is_logged_less_and_nobody_else(stack: LocalStack, logging: Managed) -> None:
    assert logging.refresh() == []
    assert {role: _logged(stack, role) for role in ("web", "migrator", "ada", "esra")} == {
        "web": "ddl",
        "migrator": "mod",
        "ada": "mod",
        "esra": "mod",
    }
    # Root leaves it, and has nothing to say against it.
    assert stack.primary.refresh() in ([], None)
    stack.primary.up()
    assert _logged(stack, "web") == "ddl"


def test_drift_is_told_in_words_and_put_right(
    stack: LocalStack, superuser: psycopg.Connection[Any], logging: Managed
) -> None:
    superuser.execute("ALTER ROLE ada SET log_statement = 'none'")
    superuser.execute("ALTER ROLE web RESET log_statement")
    assert logging.refresh() == [
        "of ada is logged 'none', undeclared",
        "of web every change of data is logged",
    ]
    assert any("ada keeps log_statement=none" in each for each in stack.primary.refresh())
    assert logging.up().updates == ("drift",)
    assert logging.refresh() == []
    assert (_logged(stack, "ada"), _logged(stack, "web")) == ("mod", "ddl")


def test_an_engineer_who_is_logged_less_is_put_right_by_root_too(
    stack: LocalStack, superuser: psycopg.Connection[Any]
) -> None:
    superuser.execute("ALTER ROLE esra SET log_statement = 'ddl'")
    assert any("esra keeps log_statement=ddl" in each for each in stack.primary.refresh())
    stack.primary.up()
    assert _logged(stack, "esra") == "mod"


def test_a_password_is_refused(stack: LocalStack) -> None:
    with pytest.raises(Refusal, match="password would end up"):
        Managed(Logging(), "logging").checked(sign_in={"password": "x"}, less=[])


def test_without_the_right_to_set_it_the_platform_decides(
    stack: LocalStack, superuser: psycopg.Connection[Any]
) -> None:
    superuser.execute("REVOKE SET ON PARAMETER log_statement FROM provisioner CASCADE")
    managed = Managed(Logging(), "logging")
    managed.create(sign_in=stack.parameters(PROVISIONER), less=["web"])
    assert managed.said == ["what is logged is left to the platform"]
    assert managed.refresh() == []
    assert _logged(stack, "web") == "mod"
    # Where root can give it back, it does.
    stack.primary.up()
