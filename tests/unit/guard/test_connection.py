"""Connection strings of every driver lead to the same host, however they are encoded."""

import pytest

from strongroom.guard.connection import port_number, targets_in
from strongroom.guard.targets import Origin, Target

HERE = Origin(".env", 1)


def places(text: str) -> list[tuple[str, int]]:
    return [(target.host, target.port) for target in targets_in(text, HERE)]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://u:p@db.example.com/app",
        "POSTGRESQL://u:p@db.example.com",
        "postgresql://u:p%40ss%2Fword@db%2Eexample%2Ecom:5432/app",
        "postgresql+asyncpg://u:p@db.example.com/app?ssl=true&pool_size=3",
        "postgres://u:p@db.example.com/app?schema=public&connection_limit=5",
        "postgres:///app?host=db.example.com",
        "postgres://nobody@/app?host=db.example.com&port=5432",
        "postgis://u:p@db.example.com/app",
        "jdbc:postgresql://db.example.com/app?user=u&password=p",
        "r2dbc:pool:postgresql://u:p@db.example.com/app",
        "host=db.example.com dbname=app user=u password='p q'",
        "dbname=app host = db.example.com",
        "pgsql:host=db.example.com;port=5432;dbname=app",
        "Host=db.example.com;Username=u;Password=p",
        "Server=db.example.com;Port=5432;User Id=u;Password=p;",
        "see <postgres://u:p@db.example.com/app>, please",
        "(postgres://u:p@db.example.com)",
        'url: "postgres://u:p@db.example.com/app",',
    ],
)
def test_the_host_is_found(text: str) -> None:
    assert places(text) == [("db.example.com", 5432)]


@pytest.mark.parametrize(
    "text",
    ["postgres://u:p#w@db.example.com/app", "postgres://u:p%zz@db.example.com/app",
     "postgres://u:p@w@db.example.com/app", "postgres://u:p%@db.example.com:5432/app"],
)  # fmt: skip
def test_a_password_that_should_have_been_encoded_hides_nothing(text: str) -> None:
    assert ("db.example.com", 5432) in places(text)


def test_each_of_several_hosts_counts_with_its_own_port() -> None:
    assert places("postgres://u:p@a.example:1,b.example:2/app") == [
        ("a.example", 1),
        ("b.example", 2),
    ]
    assert places("host=a,b,c port=6000 dbname=x") == [("a", 6000), ("b", 6000), ("c", 6000)]


def test_an_address_beside_the_name_counts_too() -> None:
    found = places("host=harmless.example hostaddr=10.0.3.7 dbname=app")
    assert found == [("harmless.example", 5432), ("10.0.3.7", 5432)]


def test_ipv6_and_sockets_are_hosts() -> None:
    assert places("postgres://u@[2001:db8::1]:6000/app?schema=x") == [("2001:db8::1", 6000)]
    assert places("postgres://%2Fvar%2Frun%2Fpg:6000/app") == [("/var/run/pg", 6000)]


def test_a_port_without_a_host_is_this_machine() -> None:
    assert places("postgres://:15432/app") == [("localhost", 15432)]


@pytest.mark.parametrize(
    "text", ["", "https://db.example.com/", "mysql://u:p@db.example.com/app", "postgresql:///app",
             "<a host='x'>", "myhost=1", "hostile=yes"],
)  # fmt: skip
def test_what_is_no_connection_to_postgresql_gives_nothing(text: str) -> None:
    assert places(text) == []


def test_a_target_shows_no_secret_and_not_even_its_host() -> None:
    (target,) = targets_in("postgres://u:hunter2@db.example.com/app", HERE)
    assert target.options["password"] == "hunter2"
    assert "hunter2" not in repr(target)
    assert "db.example.com" not in repr(target)
    assert isinstance(target, Target)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "x", "", "٣", "99999999999999999999"])
def test_what_is_no_port_is_the_usual_one(text: str) -> None:
    assert port_number(text) == 5432
