"""No statement that is shown to others holds a password."""

import pytest

from strongroom.watch.masking import LONGEST, masked


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE ada PASSWORD 'hunter2'",
        "alter user ada with encrypted password E'hunter2\\'' valid until 'infinity'",
        "CREATE ROLE x PASSWORD $$hunter2$$",
        "CREATE ROLE x PASSWORD $a$hunter2$a$",
        "ALTER ROLE ada PASSWORD/* new */\n'hunter2'",
        "CREATE USER MAPPING FOR ada SERVER s OPTIONS (user 'u', password 'hunter2')",
        "SELECT dblink_connect('host=h password=hunter2')",
        "ALTER ROLE ada PASSWORD 'hunter2",
        "CREATE SUBSCRIPTION s CONNECTION 'postgres://u:hunter2@h/d' PUBLICATION p",
        "INSERT INTO app.api_tokens VALUES ('hunter2')",
    ],
)
def test_a_password_is_left_out(statement: str) -> None:
    assert "hunter2" not in masked(statement)


def test_what_tells_no_secret_is_shown_on_one_line() -> None:
    said = "DELETE FROM app.orders\n  WHERE item = 'tea'"
    assert masked(said) == "DELETE FROM app.orders WHERE item = 'tea'"


def test_a_long_statement_is_shortened_after_the_password_was_taken_out() -> None:
    shown = masked(f"ALTER ROLE ada /* {'x' * LONGEST} */ PASSWORD 'hunter2'")
    assert len(shown) == LONGEST + 2
    assert (
        masked("ALTER ROLE ada PASSWORD '" + "y" * LONGEST + "'") == "ALTER ROLE ada PASSWORD '…'"
    )
