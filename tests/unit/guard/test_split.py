"""Credentials in several settings belong together by the words before their last."""

from itertools import permutations

import pytest

from strongroom.guard.split import found_targets, passwords_in
from strongroom.guard.targets import Entry, Origin


def settings(*pairs: tuple[str, str], scope: str = "") -> list[Entry]:
    return [
        Entry(tuple(name.split(".")), value, Origin("x", line), scope)
        for line, (name, value) in enumerate(pairs, 1)
    ]


def places(*pairs: tuple[str, str]) -> list[tuple[str, int]]:
    return [(target.host, target.port) for target in found_targets(settings(*pairs))]


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("DB_HOST", "DB_PORT"),
        ("PGHOST", "PGPORT"),
        ("PGHOSTADDR", "PGPORT"),
        ("POSTGRES_HOST", "POSTGRES_PORT"),
        ("MY_APP_DATABASE_HOST", "MY_APP_DATABASE_PORT"),
        ("dbHost", "dbPort"),
        ("db-hostname", "db-port"),
        ("database.host", "database.port"),
        ("services.web.environment.DB_SERVER", "services.web.environment.DB_PORT"),
        ("DATABASES.default.HOST", "DATABASES.default.PORT"),
        ("HOST", "PORT"),
    ],
)
def test_a_host_and_its_port_find_each_other(host: str, port: str) -> None:
    assert places((host, "10.1.2.3"), (port, "6000")) == [("10.1.2.3", 6000)]


def test_the_order_does_not_matter() -> None:
    parts = [("DB_HOST", "h"), ("DB_PORT", "6000"), ("DB_PASSWORD", "p")]
    assert {tuple(places(*order)) for order in permutations(parts)} == {(("h", 6000),)}


def test_settings_with_other_words_before_are_another_servers() -> None:
    found = places(("DB_HOST", "a"), ("REDIS_HOST", "b"), ("REDIS_PORT", "6379"))
    assert found == [("a", 5432), ("b", 6379)]


def test_what_is_not_called_a_database_is_not_taken_for_one() -> None:
    found = [*found_targets(settings(("REDIS_HOST", "b"), ("REDIS_PASSWORD", "x"), ("HOST", "h")))]
    assert [target.postgresql for target in found] == [False, False]


def test_two_hosts_of_one_name_are_both_combined_with_every_port() -> None:
    entries = [
        *settings(("DB_HOST", "localhost"), ("DB_PORT", "5433")),
        *settings(("DB_PORT", "15432")),
    ]
    ports = {(target.host, target.port) for target in found_targets(entries)}
    assert ports == {("localhost", 5433), ("localhost", 15432)}


def test_settings_of_different_scopes_are_kept_apart() -> None:
    entries = settings(("host", "a"), scope="one") + settings(("port", "6000"), scope="two")
    assert {(one.host, one.port) for one in found_targets(entries)} == {
        ("a", 5432),
        ("localhost", 6000),
    }


def test_a_port_alone_is_this_machines() -> None:
    assert places(("PGPORT", "15432")) == [("localhost", 15432)]


def test_a_url_takes_user_and_password_from_beside_it() -> None:
    entries = settings(
        ("spring.datasource.url", "jdbc:postgresql://h/app"),
        ("spring.datasource.username", "u"),
        ("spring.datasource.password", "p"),
    )
    (target,) = found_targets(entries)
    assert (target.host, target.options["user"], target.options["password"]) == ("h", "u", "p")


def test_a_host_may_carry_its_port_or_be_a_list() -> None:
    assert places(("DB_HOST", "a:6000,[::1]:7000,b")) == [("a", 6000), ("::1", 7000), ("b", 5432)]


@pytest.mark.parametrize("name", ["GHOST", "LOCALHOST", "TRANSPORT", "REPORT", "COMPASS"])
def test_a_word_that_only_ends_like_a_part_is_none(name: str) -> None:
    assert places((name, "a"), (f"{name}_X", "1")) == []


def test_a_thousand_hosts_and_ports_are_not_multiplied() -> None:
    many = [("DB_HOST", f"h{n}") for n in range(1000)] + [
        ("DB_PORT", f"{n}") for n in range(1, 999)
    ]
    assert len(places(*many)) <= 256


def test_a_password_is_known_by_its_name_or_by_what_stands_beside_it() -> None:
    entries = settings(
        ("DB_PASSWORD", "one"),
        ("SMTP_PASSWORD", "two"),
        ("PGPASSWORD", "three"),
        ("production.host", "h"),
        ("production.password", "four"),
        ("password", "five"),
    )
    assert [entry.value for entry in passwords_in(entries)] == ["one", "three", "four"]
