"""A command is refused by whatever on the laptop would lead it to a guarded database."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from tests.unit.guard.surroundings import OFFLINE, Laptop

URL = "postgres://app:hunter2@db.example.com/app"


def test_an_empty_laptop_is_clear(laptop: Laptop) -> None:
    found = laptop.verdict("rails", "db:reset", PATH="/usr/bin", USER="me", PGUSER="me")
    assert (found.refused, found.findings, found.warnings) == (False, [], [])


def test_where_the_machine_itself_is_or_was_reached_from_says_nothing(laptop: Laptop) -> None:
    found = laptop.verdict(
        HOSTNAME="db.example.com", SSH_CONNECTION="10.0.3.9 1 10.0.3.8 22", NO_PROXY="10.0.3.0"
    )
    assert found.findings == []


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (".env", f"A=1\nDATABASE_URL={URL}\n", 2),
        (".env.production.local", f"DATABASE_URL={URL}\n", 1),
        (".envrc", "export PGHOST=db.example.com\n", 1),
        ("prod.env", "DB_HOST='DB.EXAMPLE.COM.'\n", 1),
        ("config/database.yml", "production:\n  host: db.example.com\n", 2),
        ("config/environments/production.rb", "x\n  host: 'db.example.com'\n", 2),
        ("compose.yaml", "services: {web: {environment: {PGHOST: 10.0.3.9}}}\n", 1),
        ("docker-compose.prod.yml", "x:\n  environment:\n  - PGHOST=10.0.3.9\n", 3),
        ("src/main/resources/application-prod.yml", "url: jdbc:postgresql://10.0.3.9/a\n", 1),
        ("application.properties", "spring.datasource.url=jdbc:postgresql://10.0.3.9/a\n", 1),
        ("shop/settings.py", "DATABASES = {'default': {'HOST': 'db.example.com'}}\n", 1),
        ("shop/settings/prod.py", "\nDATABASES = {'d': {'HOST': 'db.example.com'}}\n", 2),
        ("prisma/schema.prisma", f'datasource db {{\n  url = "{URL}"\n}}\n', 2),
        ("appsettings.json", '{"C": {"Main":\n "Host=db.example.com;Username=a"}}\n', 2),
        ("pg_service.conf", "[p]\nhost=db.example.com\n", 2),
        ("alembic.ini", f"[alembic]\nsqlalchemy.url = {URL}\n", 2),
        (".env", "DATABASE_URL=postgres%3A%2F%2Fu%3Ap%40db.example.com%2Fapp\n", 1),
        (".env", "DATABASE_URL=postgres://u:p@db%2Eexample%2Ecom/app\n", 1),
        (".env", "PART=example.com\nDB_HOST=db.${PART}\n", 2),
        (".env", "DB_HOST=localhost\nDB_PORT=15432\n", 1),
        (".env", "DB_PORT=15432\n", 1),
    ],
)
def test_a_file_that_reaches_production_is_named_with_its_line(
    laptop: Laptop, name: str, content: str, line: int
) -> None:
    laptop.write({name: content})
    assert laptop.origins(laptop.verdict()) == [f"{name}:{line}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", URL), ("PGHOST", "db.example.com"), ("PGHOSTADDR", "10.0.3.7"),
     ("PGPORT", "15432"), ("SHOP_DB_DSN", "host=db.example.com dbname=x"),
     ("ANYTHING", "a db.example.com b"), ("JDBC_URL", "jdbc:postgresql://10.0.3.7/x")],
)  # fmt: skip
def test_a_variable_is_named_and_its_value_is_not_shown(
    laptop: Laptop, name: str, value: str
) -> None:
    found = laptop.verdict(matcher=OFFLINE, **{name: value})
    assert laptop.origins(found) == [f"${name}"]


def test_credentials_split_over_the_environment_and_two_files_are_put_together(
    laptop: Laptop,
) -> None:
    laptop.write({".env": "DB_HOST=localhost\n", ".env.local": "DB_PASSWORD=x\n"})
    assert not laptop.verdict().refused
    assert laptop.origins(laptop.verdict(DB_PORT="15432")) == [".env:1"]


def test_a_framework_file_takes_its_values_from_dotenv_and_the_environment(
    laptop: Laptop,
) -> None:
    laptop.write(
        {
            "config/database.yml": "production:\n  port: <%= ENV['P'] %>\n  host: 127.0.0.1\n",
            ".env": "P=15432\n",
        }
    )
    assert laptop.origins(laptop.verdict()) == ["config/database.yml:3"]
    assert not laptop.verdict(P="5433").refused


@pytest.mark.parametrize(
    "command",
    [("psql", URL), ("psql", "-h", "db.example.com"), ("psql", "-hdb.example.com"),
     ("psql", "--host=10.0.3.1"), ("psql", "host=db.example.com dbname=app"),
     ("psql", "-p", "15432", "-h", "localhost"), ("psql", "-p15432"),
     ("env", f"DATABASE_URL={URL}", "rails"), ("sh", "-c", "PGHOST=db.example.com rails db:reset"),
     ("curl", "http://db.example.com")],
)  # fmt: skip
def test_the_arguments_count_too(laptop: Laptop, command: tuple[str, ...]) -> None:
    found = laptop.verdict(*command)
    assert found.refused
    assert all(str(one.origin).startswith("argument ") for one in found.findings)


def test_a_port_among_the_arguments_completes_a_host_in_the_environment(laptop: Laptop) -> None:
    assert not laptop.verdict("psql", PGHOST="localhost").refused
    assert laptop.verdict("psql", "-p", "15432", PGHOST="localhost").refused


def test_a_file_that_the_command_is_given_is_looked_through(laptop: Laptop) -> None:
    laptop.write({"deploy/live.env": "PGHOST=db.example.com\n"})
    assert not laptop.verdict("dotenv", "run").refused
    assert laptop.origins(laptop.verdict("dotenv", "-f", "deploy/live.env")) == [
        "deploy/live.env:1"
    ]
    assert laptop.verdict("dotenv", "--file=deploy/live.env").refused


def test_the_files_of_the_home_folder_count_and_their_variables_move_them(
    laptop: Laptop,
) -> None:
    (laptop.home / ".pgpass").write_text("db.example.com:5432:*:*:hunter2\n")
    (laptop.home / ".pg_service.conf").write_text("[p]\nhost=10.0.3.7\n")
    origins = laptop.origins(laptop.verdict())
    assert origins == [f"{laptop.home}/.pg_service.conf:2", f"{laptop.home}/.pgpass:1"]
    laptop.write({"mine": "localhost:15432:*:*:x\n"})
    moved = laptop.verdict(PGPASSFILE="mine", PGSERVICEFILE="none")
    assert laptop.origins(moved) == ["mine:1"]


def test_a_dotenv_file_may_move_the_service_file(laptop: Laptop) -> None:
    laptop.write({".env": "PGSERVICEFILE=deploy/s\n", "deploy/s": "[p]\nhost=db.example.com\n"})
    assert laptop.origins(laptop.verdict()) == ["deploy/s:2"]


def test_parents_count_up_to_the_repository_and_no_further(laptop: Laptop) -> None:
    (laptop.here.parent / ".env").write_text("PGHOST=db.example.com\n")
    laptop.write({"app/x": ""})
    below = Laptop(laptop.here / "app", laptop.home)
    assert not below.verdict().refused
    laptop.write({".env": "PGHOST=db.example.com\n"})
    assert below.origins(below.verdict()) == [f"{laptop.here}/.env:1"]


def test_the_rest_of_the_tree_is_not_walked(laptop: Laptop) -> None:
    laptop.write({"docs/x/y.md": "db.example.com", "node_modules/config/a.json": f'"{URL}"'})
    assert not laptop.verdict().refused


def test_a_comment_reaches_nothing(laptop: Laptop) -> None:
    laptop.write({".env": f"#DATABASE_URL={URL}\n  # db.example.com\n; x\nA=1\n"})
    assert not laptop.verdict().refused


def test_what_no_parser_understands_is_searched_as_text(laptop: Laptop) -> None:
    laptop.write({"config/database.yml": "a: [\n  host: db.example.com\n"})
    found = laptop.verdict()
    assert laptop.origins(found) == ["config/database.yml:2"]
    assert "is not YAML" in found.warnings[0]


def test_a_large_file_is_searched_as_a_stream_with_exact_lines(laptop: Laptop) -> None:
    filler = "X=" + "y" * 98 + "\n"
    laptop.write({".env": filler * 30_000 + "PGHOST=db.example.com\n" + filler})
    started = time.perf_counter()
    assert laptop.origins(laptop.verdict()) == [".env:30001"]
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("before", [65_530, 65_536, 131_072 - 5])
def test_a_name_on_the_edge_of_two_pieces_of_a_huge_line_is_seen(
    laptop: Laptop, before: int
) -> None:
    line = "{" + " " * (before - 1) + "db.example.com" + " " * 2_000_000
    laptop.write({"config/x.json": f"\n{line}\n"})
    assert laptop.origins(laptop.verdict()) == ["config/x.json:2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_binary_file_is_searched_for_names(laptop: Laptop, encoding: str) -> None:
    name = "DB.example.com".encode(encoding)
    laptop.write({"config/master.bin": b"\x7fELF\0\0" + os.urandom(2_000_000) + name + b"\n"})
    found = laptop.verdict()
    assert laptop.origins(found) == ["config/master.bin"]
    assert "binary" in found.findings[0].note


def test_a_name_on_the_edge_of_two_blocks_of_a_binary_file_is_seen(laptop: Laptop) -> None:
    laptop.write({"config/x.bin": b"\0" * (1024 * 1024 - 5) + b"db.example.com" + b"\0" * 100})
    assert laptop.origins(laptop.verdict()) == ["config/x.bin"]


def test_a_file_in_utf_16_is_text(laptop: Laptop) -> None:
    laptop.write({".env": "A=1\r\nPGHOST=db.example.com\r\n".encode("utf-16")})
    assert laptop.origins(laptop.verdict()) == [".env:2"]


def test_a_link_is_followed_and_the_file_read_once(laptop: Laptop) -> None:
    laptop.write({"secrets/live": "PGHOST=db.example.com\n"})
    for name in (".env", ".env.local"):
        (laptop.here / name).symlink_to("secrets/live")
    assert laptop.origins(laptop.verdict()) == [".env:1"]


def test_links_that_end_nowhere_or_in_a_circle_are_told_and_stop_nobody(laptop: Laptop) -> None:
    (laptop.here / ".env").symlink_to(".env.local")
    (laptop.here / ".env.local").symlink_to(".env")
    (laptop.here / ".envrc").symlink_to("gone")
    found = laptop.verdict()
    assert not found.refused
    assert len(found.warnings) == 3


def test_a_pipe_or_a_socket_is_never_opened_and_not_cleared(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", lambda path, *_: pytest.fail(f"{path} was opened"))
    os.mkfifo(laptop.here / ".env")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(laptop.here)
        try:
            listening.bind(".env.local")
        finally:
            os.chdir(here)
        found = laptop.verdict()
    assert laptop.origins(found) == [".env", ".env.local"]
    assert {one.kind.value for one in found.findings} == {"unread"}


def test_a_file_that_cannot_be_read_is_not_cleared_unless_allowed(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop.write({".env": "A=1\n"})
    real = os.open

    def closed(path: object, *arguments: object, **options: object) -> int:
        if str(path).endswith(".env"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", closed)
    found = laptop.verdict()
    assert laptop.origins(found) == [".env"]
    assert found.findings[0].note == "Permission denied"
    entry = {"path": ".env", "reason": "holds nothing but colours"}
    laptop.write({".strongroom-allowed.yaml": json.dumps([entry])})
    assert not laptop.verdict().refused


def test_many_files_are_looked_through_quickly(laptop: Laptop) -> None:
    laptop.write({f"config/x{n}.yml": "a: {b: [c, d]}\n" * 5 for n in range(300)})
    started = time.perf_counter()
    assert laptop.verdict().files == 300
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    "written", ["env_file: ../live.vars", "env_file: [../live.vars]",
                "env_file: [{path: ../live.vars, required: false}]"]
)  # fmt: skip
def test_the_env_files_of_docker_compose_are_looked_through(laptop: Laptop, written: str) -> None:
    laptop.write(
        {
            "config/compose.yml": f"services:\n  web:\n    {written}\n",
            "live.vars": "A=1\nDB_HOST=localhost\nDB_PORT=15432\n",
        }
    )
    assert laptop.origins(laptop.verdict()) == ["live.vars:2"]


def test_a_link_that_gives_a_file_another_format_has_it_read_again(laptop: Laptop) -> None:
    laptop.write({"config/live": "DB_HOST=localhost\nDB_PORT=15432\n"})
    (laptop.here / "config" / "z.env").symlink_to("live")
    assert laptop.origins(laptop.verdict()) == ["config/z.env:1"]


def test_a_variable_of_one_dotenv_file_may_be_put_into_another(laptop: Laptop) -> None:
    laptop.write({".env": "DOMAIN=example.com\n", ".env.live": "DB_HOST=db.${DOMAIN}\n"})
    assert laptop.origins(laptop.verdict()) == [".env.live:1"]
