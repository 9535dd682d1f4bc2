"""Root is called what an instance's master is called that was taken over, wherever it is told."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from strongroom.adoption.proposal import propose
from strongroom.bootstrap.steps import Foundation, audit, bootstrap
from strongroom.errors import StrongroomError
from strongroom.provider.access.held import Held
from strongroom.provider.access.logging import Logging
from strongroom.provider.access.matrix import Matrix
from strongroom.provider.access.memberships import Memberships
from strongroom.rights.comparison import compare, strangers
from strongroom.rights.declared import declared
from strongroom.rights.inspection import seen_within
from strongroom.rights.rules import memberships
from strongroom.rights.standing import standings
from strongroom.rights.stated import stated
from strongroom.settings import Settings
from tests.live.local_stack import MEMBERS, SERVICES, Managed, apply_model
from tests.live.master_stack import MasterStack

pytestmark = pytest.mark.live

#: RDS keeps upper case; SQL would not without quotes.
NAMES = ("postgres", "dbAdmin")

RIGHTS = declared(("app",), MEMBERS, SERVICES)
FOUNDATION = Foundation("app", ("app",), "production", replicator=False)


@pytest.fixture(scope="module", params=NAMES)
def taken(request: pytest.FixtureRequest, strongroom_home: Path) -> Iterator[MasterStack]:
    """An instance that was there with a table of its master's, and has the model since."""
    from tests.live.conftest import _remove

    made = MasterStack(strongroom_home, request.param).make()
    apply_model(made)
    yield made
    _remove(made)


def held(stack: MasterStack, root: str, kind: Held[Any], **inputs: Any) -> Managed:
    resource = Managed(kind, "held")
    sign_in = stack.parameters("provisioner")
    resource.create(sign_in=sign_in, root=root, **inputs)
    return resource


def every(stack: MasterStack, root: str) -> list[Managed]:
    """Whatever of access is held to."""
    effective = {role: stated(rights) for role, rights in RIGHTS.items()}
    members = memberships(MEMBERS, SERVICES)
    return [
        held(stack, root, Logging(), less=["web"]),
        held(stack, root, Memberships(), members=members),
        held(stack, root, Matrix(), schemas=["app"], effective=effective),
    ]


def test_the_bootstrap_lays_the_same_again_and_the_audit_finds_nothing(taken: MasterStack) -> None:
    taken.primary.up()
    assert audit(taken.master, FOUNDATION) == []
    with taken.superuser("app") as admin:
        query = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
        assert admin.execute(query).fetchone() == (
            taken.name if taken.name.islower() else f'"{taken.name}"',
        )


def test_an_owner_that_is_not_the_master_is_told_by_name(taken: MasterStack) -> None:
    with taken.superuser("app") as admin:
        admin.execute("ALTER DATABASE app OWNER TO app_owner")
        found = audit(taken.master, FOUNDATION)
        admin.execute(f'ALTER DATABASE app OWNER TO "{taken.name}"'.encode())
    assert f"database app is owned by app_owner instead of {taken.name}" in found


def test_of_the_master_nothing_is_held_to(taken: MasterStack) -> None:
    for resource in every(taken, taken.name):
        assert resource.preview().updates == ()
    with taken.sign_in("provisioner") as session:
        found = seen_within(session)
    wanted = standings(("app",), RIGHTS, taken.name)
    assert compare(found, wanted) == []
    assert strangers(found, wanted) == []


def test_where_root_has_another_name_the_master_is_a_stranger(taken: MasterStack) -> None:
    with pytest.raises(StrongroomError, match=taken.name):
        every(taken, "root")
    with taken.sign_in("provisioner") as session:
        assert strangers(seen_within(session), standings(("app",), RIGHTS)) == [taken.name]


def test_an_empty_database_is_not_made_on_a_server_that_was_taken_over(taken: MasterStack) -> None:
    missing = replace(FOUNDATION, database="shop", taken_over=True)
    with pytest.raises(StrongroomError, match=r"has no database shop .* There are app, postgres"):
        bootstrap(taken.master, missing)
    with taken.superuser() as admin:
        query = "SELECT count(*) FROM pg_database WHERE datname = 'shop'"
        assert admin.execute(query).fetchone() == (0,)


_OWNERS = """
SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'shop'
UNION ALL SELECT sequencename, sequenceowner FROM pg_sequences WHERE schemaname = 'shop'
UNION ALL SELECT viewname, viewowner FROM pg_views WHERE schemaname = 'shop'
"""
_GIVEN = """
SELECT roleid::regrole::text FROM pg_auth_members
WHERE pg_get_userbyid(member) = current_user AND (inherit_option OR set_option)
ORDER BY 1
"""


def test_what_grew_by_hand_is_handed_over_by_a_master_who_is_no_superuser(
    taken: MasterStack,
) -> None:
    grown = resources.files("rehearsal").joinpath("sql/grown.sql").read_bytes()
    with taken.root() as root:
        root.execute(grown)
    with taken.sign_in("provisioner") as session:
        session.execute("CREATE ROLE late_api LOGIN")
    with taken.superuser("app") as admin:
        admin.execute("CREATE TABLE shop.late (id int)")
        admin.execute("ALTER TABLE shop.late OWNER TO late_api")
    with taken.sign_in("provisioner") as session:
        proposal = propose(session, Settings.parse("production", {}, "defaults"), ("shop",))
    # The master is nobody's to place.
    assert {each.role for each in proposal.placing.engineers} >= {"alice.jones"}
    assert {each.role for each in proposal.placing.services} >= {"web_api"}
    assert taken.name not in {*proposal.placing.why, *proposal.changes}
    assert not [each for each in proposal.unplaced if taken.name in each.what]
    with taken.root() as root:
        root.execute(proposal.handover.encode())
        assert {owner for _, owner in root.execute(_OWNERS)} == {"app_owner"}
        count = "SELECT (SELECT count(*) FROM shop.orders), (SELECT count(*) FROM shop.events)"
        assert root.execute(count).fetchone() == (1000, 1)
        # What it took to do so is given back; that it made the role stays.
        assert root.execute(_GIVEN).fetchall() == [("app_owner",), ("rds_superuser",)]
        assert not taken.server.by_iam_only()
        root.execute("ALTER ROLE web_api CONNECTION LIMIT 10")
