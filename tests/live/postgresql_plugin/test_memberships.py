"""postgresql.GrantRole on a real server."""

import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.grant_role import GrantRole
from strongroom.provider.postgresql.session import Session
from strongroom.provider.resource import Context
from tests.live.postgresql_plugin.life import Life, Root, values

pytestmark = pytest.mark.live


@pytest.fixture
def roles(pg_root: Root) -> Root:
    """Root's session, with two roles of the provisioner's and one of root's."""
    pg_root.execute("SET ROLE provisioner; CREATE ROLE reader; CREATE ROLE ada; RESET ROLE")
    pg_root.execute("CREATE ROLE legacy")
    return pg_root


def members(root: Root, role: str) -> list[str]:
    return values(
        root,
        "SELECT concat_ws(' ', member::regrole, 'by', grantor::regrole, "
        "CASE WHEN admin_option THEN 'ADMIN' END, CASE WHEN inherit_option THEN 'INHERIT' END, "
        "CASE WHEN set_option THEN 'SET' END) FROM pg_auth_members "
        "WHERE roleid = %s::regrole ORDER BY 1",
        role,
    )


CREATOR = "provisioner by root ADMIN"


def test_a_membership_is_made_seen_and_ended(roles: Root, pg_session: Session) -> None:
    grant = Life(GrantRole(pg_session), role="legacy", grantRole="reader")
    assert grant.id == "legacy_reader_false"
    assert members(roles, "reader") == ["legacy by provisioner INHERIT SET", CREATOR]
    assert grant.drift() == set()
    roles.execute("SET ROLE provisioner; REVOKE reader FROM legacy; RESET ROLE")
    assert grant.gone
    grant.destroy()
    assert members(roles, "reader") == [CREATOR]


def test_the_creators_own_membership_is_neither_read_nor_revoked(
    roles: Root, pg_session: Session
) -> None:
    grant = Life(GrantRole(pg_session), role="provisioner", grantRole="reader")
    assert members(roles, "reader") == ["provisioner by provisioner INHERIT SET", CREATOR]
    assert grant.state["withAdminOption"] is False
    assert grant.drift() == set()
    grant.destroy()
    assert members(roles, "reader") == [CREATOR]
    assert grant.gone


def test_admin_given_or_taken_by_hand_is_seen_and_put_back(
    roles: Root, pg_session: Session
) -> None:
    plain = Life(GrantRole(pg_session), role="legacy", grantRole="reader")
    roles.execute("SET ROLE provisioner; GRANT reader TO legacy WITH ADMIN TRUE; RESET ROLE")
    assert plain.drift() == {"withAdminOption"}
    plain.up()
    assert members(roles, "reader") == ["legacy by provisioner INHERIT SET", CREATOR]
    admin = Life(GrantRole(pg_session), role="ada", grantRole="reader", withAdminOption=True)
    assert admin.id == "ada_reader_true"
    roles.execute("SET ROLE provisioner; GRANT reader TO ada WITH ADMIN FALSE; RESET ROLE")
    assert admin.drift() == {"withAdminOption"}
    admin.up()
    assert "ada by provisioner ADMIN INHERIT SET" in members(roles, "reader")


def test_roots_grant_of_the_same_membership_stands_beside_and_stays(
    roles: Root, pg_session: Session
) -> None:
    roles.execute("GRANT reader TO legacy WITH ADMIN TRUE, INHERIT FALSE")
    grant = Life(GrantRole(pg_session), role="legacy", grantRole="reader")
    assert grant.drift() == set()
    grant.destroy()
    assert members(roles, "reader") == ["legacy by root ADMIN SET", CREATOR]


def test_a_new_membership_has_the_options_of_a_new_one_whatever_was_there(
    roles: Root, pg_session: Session
) -> None:
    roles.execute(
        "SET ROLE provisioner; GRANT reader TO legacy WITH INHERIT FALSE, SET FALSE; RESET ROLE"
    )
    Life(GrantRole(pg_session), role="legacy", grantRole="reader")
    assert members(roles, "reader") == ["legacy by provisioner INHERIT SET", CREATOR]


def test_a_membership_postgresql_allows_no_one_is_told_in_one_paragraph(
    roles: Root, pg_session: Session
) -> None:
    Life(GrantRole(pg_session), role="ada", grantRole="reader")
    with pytest.raises(StrongroomError, match=r"is a member of role .*SQLSTATE 0LP01.*circle"):
        Life(GrantRole(pg_session), role="reader", grantRole="ada")
    with pytest.raises(StrongroomError, match=r"permission denied to grant role .*ADMIN"):
        Life(GrantRole(pg_session), role="ada", grantRole="legacy")
    with pytest.raises(StrongroomError, match='role "nobody" does not exist'):
        Life(GrantRole(pg_session), role="nobody", grantRole="reader")


def test_a_membership_is_gone_with_either_role_and_cannot_be_imported(
    roles: Root, pg_session: Session
) -> None:
    grant = Life(GrantRole(pg_session), role="legacy", grantRole="reader")
    roles.execute("DROP ROLE reader")
    assert grant.gone
    grant.destroy()
    with pytest.raises(StrongroomError, match="cannot be imported"):
        GrantRole(pg_session).read(Context(), "legacy_reader_false", {})
