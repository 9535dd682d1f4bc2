"""Which statements change rights."""

import pytest

from strongroom.watch.rights import changes


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("/* hi */ Alter Role ada SET search_path = x", ("alter role",)),
        ("CREATE USER mallory", ("create role",)),
        ("GRANT tier_full TO esra; REVOKE a FROM b", ("grant", "revoke")),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x", ("alter default",)),
        ("ALTER TABLE app.t OWNER TO ada", ("change of owner",)),
        ("ALTER DATABASE app CONNECTION LIMIT 0", ("alter database",)),
        ("ALTER SYSTEM SET fsync = off", ("alter system",)),
        ("DROP OWNED BY ada", ("drop owned",)),
        ("ALTER EVENT TRIGGER strongroom_drop DISABLE", ("alter event",)),
        ("ALTER TABLE app.t DISABLE TRIGGER ALL", ("disable trigger",)),
        ("DROP TRIGGER strongroom_delete ON app.t", ("drop of a guard",)),
        ("DROP FUNCTION strongroom.beat()", ("drop of a guard",)),
        ("ALTER TABLE app.t DISABLE ROW LEVEL SECURITY", ("row level security",)),
        ("CREATE USER MAPPING FOR ada SERVER s", ()),
        ("ALTER TABLE app.t ADD COLUMN grants int", ()),
        ("SELECT 'grant all on app.t to esra'", ()),
        ("CREATE TABLE app.t (id int)", ()),
    ],
)
def test_a_change_of_rights_is_told_from_other_work(
    statement: str, expected: tuple[str, ...]
) -> None:
    assert changes(statement) == expected
