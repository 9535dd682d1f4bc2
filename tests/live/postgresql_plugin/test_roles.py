"""postgresql.Role on a real server."""

import doctest
from typing import Any

import psycopg
import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.role import Role
from strongroom.provider.postgresql.session import Session
from strongroom.reading import setting_values
from tests.live.postgresql_plugin.life import Life, Root, memberships, value

pytestmark = pytest.mark.live


def test_a_role_has_the_attributes_settings_and_memberships_it_was_declared_with(
    pg_root: Root, pg_session: Session
) -> None:
    Life(Role(pg_session), name="tier_reader")
    ada = Life(
        Role(pg_session),
        name="Ada L.",
        login=True,
        inherit=False,
        connectionLimit=3,
        validUntil="2030-12-31 00:00:00+00",
        roles=["tier_reader", "app_owner"],
        searchPaths=["shop", "$user", 'a "b", c'],
        statementTimeout=60000,
        idleInTransactionSessionTimeout=1500,
        assumeRole="app_owner",
    )
    assert ada.id == "Ada L."
    row = pg_root.execute(
        "SELECT rolcanlogin, rolinherit, rolsuper, rolconnlimit, rolvaliduntil = "
        "'2030-12-31 00:00:00+00', rolconfig FROM pg_roles WHERE rolname = 'Ada L.'"
    ).fetchone()
    assert row == (
        True,
        False,
        False,
        3,
        True,
        [
            'search_path=shop, "$user", "a ""b"", c"',
            "statement_timeout=60000",
            "idle_in_transaction_session_timeout=1500",
            "role=app_owner",
        ],
    )
    assert memberships(pg_root, '"Ada L."') == [
        "app_owner by provisioner SET",
        "tier_reader by provisioner SET",
    ]
    assert ada.drift() == set()


def test_a_role_of_defaults_is_quiet_and_its_state_does_not_say_them(
    pg_root: Root, pg_session: Session
) -> None:
    role = Life(Role(pg_session), name="plain")
    assert role.drift() == set()
    assert role.state == {"name": "plain"}


@pytest.mark.parametrize(
    ("by_hand", "seen"),
    [
        ("ALTER ROLE ada NOLOGIN", {"login"}),
        ("ALTER ROLE ada CREATEDB", {"createDatabase"}),
        ("ALTER ROLE ada SUPERUSER BYPASSRLS", {"superuser", "bypassRowLevelSecurity"}),
        ("ALTER ROLE ada CONNECTION LIMIT 7", {"connectionLimit"}),
        ("ALTER ROLE ada VALID UNTIL '2029-01-01'", {"validUntil"}),
        ("ALTER ROLE ada SET statement_timeout = '1min'", {"statementTimeout"}),
        ("ALTER ROLE ada SET statement_timeout = 0", {"statementTimeout"}),
        ("ALTER ROLE ada SET idle_in_transaction_session_timeout = '0.5h'", {
            "idleInTransactionSessionTimeout"
        }),
        ("ALTER ROLE ada RESET ALL", {"statementTimeout", "searchPaths"}),
        ("ALTER ROLE ada SET search_path = public, shop", {"searchPaths"}),
        ("ALTER ROLE ada SET role = tier_reader", {"assumeRole"}),
        ("SET ROLE provisioner; GRANT app_owner TO ada; RESET ROLE", {"roles"}),
        ("SET ROLE provisioner; REVOKE tier_reader FROM ada; RESET ROLE", {"roles"}),
    ],
)  # fmt: skip
def test_what_is_done_to_a_role_by_hand_is_seen_and_put_back(
    pg_root: Root, pg_session: Session, by_hand: str, seen: set[str]
) -> None:
    # Who has not got an attribute cannot take it away.
    if "SUPERUSER" in by_hand or "CREATEDB" in by_hand:
        pg_root.execute("ALTER ROLE provisioner SUPERUSER")
    Life(Role(pg_session), name="tier_reader")
    ada = Life(
        Role(pg_session),
        name="ada",
        login=True,
        roles=["tier_reader"],
        statementTimeout=30000,
        searchPaths=["shop"],
    )
    before = value(pg_root, "SELECT r FROM (SELECT * FROM pg_roles) r WHERE rolname = 'ada'")
    pg_root.execute(by_hand)
    assert ada.drift() == seen
    ada.up()
    assert ada.drift() == set()
    after = value(pg_root, "SELECT r FROM (SELECT * FROM pg_roles) r WHERE rolname = 'ada'")
    assert sorted(str(after)) == sorted(str(before))


def test_a_role_dropped_by_hand_is_gone(pg_root: Root, pg_session: Session) -> None:
    role = Life(Role(pg_session), name="ada")
    pg_root.execute("DROP ROLE ada")
    assert role.gone
    with pytest.raises(StrongroomError, match="up --refresh"):
        role.up(name="ada", login=True)


def test_a_time_is_compared_as_an_instant_whatever_the_time_zone(
    pg_root: Root, pg_session: Session
) -> None:
    assert value(pg_root, "SHOW timezone") == "Europe/Berlin"
    role = Life(Role(pg_session), name="ada", validUntil="2030-07-01 12:00:00+00")
    pg_root.execute("ALTER ROLE ada VALID UNTIL '2030-07-01 14:00:00'")
    assert role.drift() == set()
    role.state["validUntil"] = "2030-07-01 14:00:00+02"
    assert role.drift() == set()
    pg_root.execute("ALTER ROLE ada VALID UNTIL '2030-07-01 12:00:00'")
    assert role.drift() == {"validUntil"}
    assert role.state["validUntil"] == "2030-07-01 10:00:00+00"


def test_memberships_change_by_difference_and_those_that_stay_keep_their_options(
    pg_root: Root, pg_session: Session
) -> None:
    for name in ("tier_reader", "tier_writer", "tier_full"):
        Life(Role(pg_session), name=name)
    ada = Life(Role(pg_session), name="ada", roles=["tier_reader", "tier_writer"])
    pg_root.execute("SET ROLE provisioner; GRANT tier_reader TO ada WITH SET FALSE; RESET ROLE")
    kept = value(pg_root, "SELECT xmin FROM pg_auth_members WHERE roleid = 'tier_reader'::regrole "
                          "AND member = 'ada'::regrole")  # fmt: skip
    ada.up(name="ada", login=True, roles=["tier_full", "tier_reader"])
    assert memberships(pg_root, "ada") == [
        "tier_full by provisioner INHERIT SET",
        "tier_reader by provisioner INHERIT",
    ]
    assert kept == value(
        pg_root,
        "SELECT xmin FROM pg_auth_members WHERE roleid = 'tier_reader'::regrole "
        "AND member = 'ada'::regrole",
    )


def test_memberships_follow_the_inherit_attribute_of_their_role(
    pg_root: Root, pg_session: Session
) -> None:
    Life(Role(pg_session), name="tier_reader")
    gate = Life(Role(pg_session), name="gate", roles=["app_owner", "tier_reader"])
    pg_root.execute("SET ROLE provisioner; GRANT tier_reader TO gate WITH SET FALSE; RESET ROLE")
    gate.up(name="gate", inherit=False, roles=["app_owner", "tier_reader"])
    assert memberships(pg_root, "gate") == [
        "app_owner by provisioner SET",
        "tier_reader by provisioner",
    ]


def test_a_membership_that_only_root_can_revoke_fails_loudly_and_changes_nothing(
    pg_root: Root, pg_session: Session
) -> None:
    Life(Role(pg_session), name="tier_full")
    ada = Life(Role(pg_session), name="ada", login=True)
    pg_root.execute("GRANT tier_full TO ada")
    assert ada.drift() == {"roles"}
    assert ada.state["roles"] == ["tier_full"]
    with pytest.raises(StrongroomError, match=r"permission denied .*GRANTED BY|42501"):
        ada.up(name="ada", login=False)
    assert value(pg_root, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'ada'")


def test_a_role_is_renamed_in_place(pg_root: Root, pg_session: Session) -> None:
    Life(Role(pg_session), name="tier_reader")
    role = Life(Role(pg_session), name="ada", roles=["tier_reader"])
    oid = value(pg_root, "SELECT oid FROM pg_roles WHERE rolname = 'ada'")
    role.up(name="countess", roles=["tier_reader"])
    assert value(pg_root, "SELECT oid FROM pg_roles WHERE rolname = 'countess'") == oid
    assert role.drift() == set()
    assert role.id == "countess"


def test_reading_takes_one_statement_and_making_three(
    pg_root: Root, pg_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    Life(Role(pg_session), name="tier_reader")
    statements: list[Any] = []
    execute = psycopg.Connection.execute

    def counted(self: Root, query: Any, *arguments: Any, **options: Any) -> Any:
        statements.append(query)
        return execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    ada = Life(Role(pg_session), name="ada", roles=["tier_reader"])
    assert len(statements) == 3
    ada.drift()
    assert len(statements) == 4


def test_settings_are_read_as_postgresql_writes_them() -> None:
    results = doctest.testmod(setting_values)
    assert results.attempted
    assert not results.failed
    assert setting_values.milliseconds("soon") == setting_values.UNREADABLE
    assert setting_values.search_path('"a ""b""", ""') == ['a "b"', ""]
