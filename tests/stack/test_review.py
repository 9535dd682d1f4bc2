"""The matrix in a real preview: what a change means, and what was changed by hand."""

import pytest

from tests.stack.project import Project

pytestmark = pytest.mark.stack

#: What somebody does by hand, and how a plain preview tells it. An `up` puts all of it right.
BY_HAND = {
    "GRANT DELETE ON app.orders TO esra": (
        "esra has DELETE on app.orders, granted to esra by app_owner"
    ),
    "CREATE ROLE eve LOGIN; GRANT tier_full TO eve": (
        "eve (a role nobody declared) has the rights of tier_full and can SET ROLE tier_full, "
        "granted by root, so CONNECT on the database"
    ),
    "GRANT tier_writer TO dmitri": "dmitri has the rights of tier_writer",
    "REVOKE UPDATE ON app.orders FROM tier_writer": "tier_writer lacks UPDATE on app.orders",
    "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT TRUNCATE ON TABLES TO web": (
        "web has TRUNCATE on future tables in app that app_owner makes"
    ),
}


@pytest.fixture(scope="module")
def reviewed(standing: Project) -> Project:
    with standing.connect("ada") as connection:
        connection.execute("SET ROLE app_owner")
        connection.execute("CREATE TABLE app.orders (n int)")
    return standing


def test_a_change_of_tier_is_read_as_what_it_means(reviewed: Project) -> None:
    assert reviewed.is_quiet()

    def change(roster: dict[str, dict[str, object]]) -> None:
        roster["engineers"]["esra"] = {"name": "Esra Novak", "tier": "mid"}

    kept = (reviewed.checkout / "stacks" / "engineers.yaml").read_text()
    reviewed.edit_roster(change)
    shown = reviewed.preview().output
    (reviewed.checkout / "stacks" / "engineers.yaml").write_text(kept)
    assert (
        "esra: + INSERT, UPDATE on tables in app; + USAGE on sequences in app (1 table, 1 schema)"
        in shown
    )
    assert "tables in app: SELECT (tier_reader), INSERT, UPDATE (tier_writer)" in shown
    assert reviewed.is_quiet()


def test_what_was_given_or_taken_by_hand_is_read_in_a_plain_preview_and_put_right(
    reviewed: Project,
) -> None:
    with reviewed.root() as root:
        for statement in BY_HAND:
            root.execute(statement.encode())
    shown = reviewed.preview().output
    assert [told for told in BY_HAND.values() if told not in shown] == []
    reviewed.up()
    assert reviewed.is_quiet("--refresh")


def test_up_fails_and_names_who_can_do_more_when_only_root_could_take_it_back(
    reviewed: Project,
) -> None:
    with reviewed.root() as root:
        root.execute("GRANT TEMPORARY ON DATABASE app TO chiara")
        root.execute("GRANT DELETE ON app.orders TO chiara")
    failed = reviewed.up(check=False)
    with reviewed.root() as root:
        root.execute("REVOKE TEMPORARY ON DATABASE app FROM chiara")
        kept = root.execute("SELECT has_table_privilege('chiara', 'app.orders', 'DELETE')")
        # What could be taken back is.
        assert kept.fetchone() == (False,)
    assert failed.code != 0
    assert "chiara has TEMPORARY on database app, granted to chiara by root" in failed.output
    assert "Traceback" not in failed.output
    reviewed.up()
    assert reviewed.is_quiet("--refresh")
