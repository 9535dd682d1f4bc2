"""The point to go back to, as people write it."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import SettingsError
from strongroom.recovery.target import Target, tables


@pytest.mark.parametrize(
    ("text", "lsn"), [("0/5000148", "0/5000148"), ("00/0abc", "0/ABC"), ("A/0", "A/0")]
)
def test_an_lsn_is_read_as_postgresql_prints_it(text: str, lsn: str) -> None:
    assert Target.parse(text) == Target(lsn=lsn)


def test_a_time_without_an_offset_is_utc_and_any_other_is_turned_into_it() -> None:
    nine = datetime(2026, 11, 23, 9, tzinfo=UTC)
    for text in ("2026-11-23 09:00", "2026-11-23T09:00:00Z", "2026-11-23T10:00+01:00"):
        assert Target.parse(text) == Target(time=nine)


def test_the_end_is_neither() -> None:
    assert Target.parse("end") == Target()


@pytest.mark.parametrize(
    "text", ["", "yesterday", "0/", "g/1", "0/123456789", "1/2/3", "now", "0001-01-01T00:00+14:00"]
)
def test_anything_else_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(SettingsError, match="neither an LSN such as"):
        Target.parse(text)


@given(st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused_in_words(text: str) -> None:
    with suppress(SettingsError):
        Target.parse(text)


def test_tables_are_named_with_their_schema_once_each() -> None:
    assert tables(["app.orders", 'app."Odd ""one"""', "app.orders"]) == (
        "app.orders",
        'app."Odd ""one"""',
    )
    with pytest.raises(SettingsError) as refused:
        tables(["orders", "a.b.c", "app.", 'app."half', "app.fine"])
    assert len(refused.value.problems) == 4
