"""Every usual format gives its settings with exact lines, its variables resolved."""

from textwrap import dedent

import pytest

from strongroom.guard.formats.document import NotUnderstoodError
from strongroom.guard.split import found_targets
from tests.unit.guard.surroundings import entries, told


def places(name: str, text: str, **variables: str) -> list[tuple[str, int, int]]:
    """Host, port and line of every server a file leads to."""
    found = found_targets(entries(name, dedent(text), **variables))
    return [(target.host, target.port, target.origin.line) for target in found]


def test_dotenv_understands_export_quotes_comments_blanks_and_several_lines() -> None:
    text = (
        "# a comment\n\n\nexport DB_HOST='db.example.com' # why\n"
        'KEY="first\nsecond"\n\nDB_PORT = 6000\nEMPTY=\nALONE\n'
    )
    found = told(entries(".env", text))
    assert found["DB_HOST"] == ("db.example.com", 4)
    assert found["KEY"] == ("first\nsecond", 5)
    assert found["DB_PORT"] == ("6000", 8)
    assert found["EMPTY"] == ("", 9)


def test_dotenv_puts_variables_in_as_shells_do() -> None:
    text = "A=db\nB=${A}.example.com\nC=$A.x\nD=${NONE:-d}${NONE-e}\nE=${A:+set}\nF=${OUT}"
    found = told(entries(".env", text, OUT="side"))
    assert [found[name][0] for name in "BCDEF"] == ["db.example.com", "db.x", "de", "set", "side"]


def test_several_variables_on_one_line_are_read_as_a_shell_would() -> None:
    text = "A=1\nexport DB_HOST='local host' DB_PORT=\"15432\" X=y;Z=1\n"
    found = told(entries(".envrc", text))
    assert found["DB_HOST"] == ("local host", 2)
    assert found["DB_PORT"] == ("15432", 2)
    assert found["Z"] == ("1", 2)


def test_a_default_counts_only_where_the_shell_would_take_it() -> None:
    text = "S=set\nE=\nA=${S:-d}\nB=${S-d}\nC=${E:-d}\nD=${E-d}\nF=${E:+x}\nG=${E+x}\nH=${S:d}\n"
    found = told(entries(".env", text))
    assert [found[name][0] for name in "ABCDFGH"] == ["set", "set", "d", "", "", "x", "set"]


def test_a_line_that_dotenv_does_not_understand_hides_none_of_the_others() -> None:
    text = "X='unfinished\nDB_HOST=a\nthis is no setting\nexport PGHOST=b PGPORT=6000\n"
    found = entries(".envrc", text)
    assert {(one.path[-1], one.value, one.origin.line) for one in found} >= {
        ("DB_HOST", "a", 2),
        ("PGPORT", "6000", 4),
    }


@pytest.mark.parametrize(
    ("name", "known"),
    [(".env", True), (".env.production", True), ("prod.env", True), (".envrc", True),
     ("database.yml", True), ("compose.yaml", True), ("application-prod.properties", True),
     ("schema.prisma", True), ("settings.py", True), (".pgpass", True), ("pg_service.conf", True),
     ("config.toml", True), ("appsettings.json", True), ("notes.md", False), ("dump.sql", False)],
)  # fmt: skip
def test_the_name_tells_the_format(name: str, known: bool) -> None:
    if known:
        assert entries(name, "") == []
    else:
        with pytest.raises(AssertionError):
            entries(name, "")


RAILS = """\
    default: &default
      adapter: postgresql
      pool: <%= ENV.fetch("RAILS_MAX_THREADS") { 5 } %>
    <% if true -%>

    development:
      <<: *default
      host: localhost
    <% end %>
    production:
      primary:
        <<: *default
        host: <%= ENV["PROD_HOST"] %>
        port: <%= ENV.fetch('PROD_PORT', 6000) %>
      replica:
        url: <%= ENV.fetch("REPLICA_URL") { "postgres://r@replica.example/app" } %>
      other: <%= Rails.application.credentials.host %>
"""


def test_rails_yaml_resolves_erb_anchors_and_merges() -> None:
    assert set(places("config/database.yml", RAILS, PROD_HOST="db.example.com")) == {
        ("localhost", 5432, 8),
        ("db.example.com", 6000, 13),
        ("replica.example", 5432, 16),
    }


def test_what_a_merge_brings_has_the_line_it_was_written_on_and_gives_way() -> None:
    text = """\
        base: &base {port: 6000, host: base.example}
        more: &more
          user: u
        one:
          <<: [*base, *more]
        two:
          host: own.example
          <<: *base
        """
    assert set(places("x.yml", text)) == {
        ("base.example", 6000, 1),
        ("own.example", 6000, 7),
    }
    assert told(entries("x.yml", dedent(text)))["one.port"] == ("6000", 1)


def test_an_erb_value_that_would_break_yaml_is_still_read() -> None:
    text = "production:\n  url: <%= ENV['URL'] %>\n  password: <%= ENV['P'] %>\n"
    found = told(entries("database.yml", text, URL="postgres://u@h/a", P="a: 'b # {"))
    assert found["production.url"] == ("postgres://u@h/a", 2)
    assert found["production.password"] == ("a: 'b # {", 3)


def test_compose_takes_variables_as_a_mapping_or_as_a_list() -> None:
    text = """\
        services:
          web:
            environment:
              DB_HOST: ${DB:-db.example.com}
              DB_PORT: 6000
          worker:
            environment:
              - PGHOST=other.example
              - PGPORT=${NONE:-7000}
              - FROM_OUTSIDE
        """
    assert places("docker-compose.yml", text) == [
        ("db.example.com", 6000, 4),
        ("other.example", 7000, 8),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "application.yml",
            "spring:\n  datasource:\n    url: jdbc:postgresql://${H:db.x}:6000/a\n",
        ),
        ("application.properties", "# x\n\nspring.datasource.url=jdbc:postgresql://db.x:6000/a\n"),
        ("application.properties", "\n\nspring.r2dbc.url: r2dbc\\:postgresql\\://db.x\\:6000/a\n"),
        ("application.properties", "\n\nurl = jdbc:postgresql:\\\n  //db.x:6000/a\n"),
    ],
)
def test_spring_is_read_from_yaml_and_properties(name: str, text: str) -> None:
    assert places(name, text) == [("db.x", 6000, 3)]


def test_spring_profiles_in_one_file_do_not_complete_each_other() -> None:
    text = "db:\n  host: a\n---\ndb:\n  port: 6000\n"
    assert set(places("application.yml", text)) == {("a", 5432, 2), ("localhost", 6000, 5)}


DJANGO = """\
    import os
    from decouple import config

    SUFFIX = "example.com"
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ.get("DJANGO_HOST", "db." + SUFFIX),
            "PORT": os.getenv("DJANGO_PORT", 6000),
        },
        "replica": {
            "HOST": f"replica.{SUFFIX}",
            "PORT": config("REPLICA_PORT", default=7000, cast=int),
        },
        "url": dj_database_url.config(default="postgres://u@url.example/app"),
        "env": env.db("OTHER_URL", default="postgres://u@env.example/app"),
    }
    DATABASES["late"] = dict(HOST="late.example", PORT=8000)
"""


def test_django_settings_are_read_without_being_run() -> None:
    assert set(places("settings.py", DJANGO)) == {
        ("db.example.com", 6000, 8),
        ("replica.example.com", 7000, 12),
        ("url.example", 5432, 15),
        ("env.example", 5432, 16),
        ("late.example", 8000, 18),
    }
    assert ("set.example", 6000, 8) in places("settings.py", DJANGO, DJANGO_HOST="set.example")


def test_prisma_schemas_name_a_variable_or_a_url() -> None:
    text = """\
        generator client { provider = "x" }
        datasource db {
          provider  = "postgresql"
          url       = env("DATABASE_URL")
          directUrl = "postgres://u@direct.example/app"
        }
        """
    assert places("schema.prisma", text, DATABASE_URL="postgres://u@env.example:6000/app") == [
        ("env.example", 6000, 4),
        ("direct.example", 5432, 5),
    ]


def test_a_service_file_has_a_server_in_each_section() -> None:
    text = "# mine\n[prod]\nhost=db.example.com\nport=6000\n\n[local]\nhost=localhost\n"
    assert places(".pg_service.conf", text) == [
        ("db.example.com", 6000, 3),
        ("localhost", 5432, 7),
    ]


def test_pgpass_is_unescaped_and_its_stars_are_no_hosts() -> None:
    text = "# host:port:database:user:password\ndb.example.com:6000:a:u:p\\:\\\\q\n*:*:*:*:p\n"
    text += "2001\\:db8\\:\\:1:5432:a:u:p\nlocalhost:15432:*:*:p\nbroken:line\n"
    assert places(".pgpass", text) == [
        ("db.example.com", 6000, 2),
        ("2001:db8::1", 5432, 4),
        ("localhost", 15432, 5),
    ]
    assert told(entries(".pgpass", text))["pgpass 2.password"] == ("p:\\q", 2)


def test_toml_lines_are_those_of_the_right_table() -> None:
    text = """\
        host = "top.example"
        [dev]
        host = "dev.example"
        port = 1000

        [prod.db]
        port = 2000
        host = "prod.example"
        [[many]]
        host = "one.example"
        [[many]]
        host = "two.example"
        [inline]
        db = { host = "in.example", port = 3000 }
        """
    assert set(places("config.toml", text)) == {
        ("top.example", 5432, 1),
        ("dev.example", 1000, 3),
        ("prod.example", 2000, 8),
        ("one.example", 5432, 10),
        ("two.example", 5432, 12),
        ("in.example", 3000, 14),
    }


def test_json_is_read_with_tabs_and_escapes() -> None:
    text = '{\n\t"db": {\n\t\t"host": "db\\u002eexample.com",\n\t\t"port": 6000\n\t},\n'
    text += '\t"url": "postgres:\\/\\/u@slash.example\\/app"\n}\n'
    assert set(places("config.json", text)) == {
        ("db.example.com", 6000, 3),
        ("slash.example", 5432, 6),
    }


def test_ini_keeps_sections_apart_and_minds_no_percent_sign() -> None:
    text = "[a]\nhost = one\npassword = %(x)s%\n[b]\nport: 6000\nhost: two\n; host = three\n"
    assert places("app.ini", text) == [("one", 5432, 2), ("two", 6000, 6)]


@pytest.mark.parametrize("name", [".env", "settings.py", "x.ini", "config.toml"])
def test_windows_line_ends_leave_the_lines_right(name: str) -> None:
    assert places(name, 'A = "1"\r\nDB_HOST = "db.x"\r\n') == [("db.x", 5432, 2)]


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.yml", "a: [\n"), ("x.yml", "a: \x07"), ("x.toml", "a = "), ("settings.py", "HOST = ("),
     ("x.json", "{// comment\n"), ("x.yml", "[" * 100_000), ("x.json", "{" * 100_000),
     ("x.toml", "a = " + "[" * 100_000), ("settings.py", "HOST = " + "(" * 10_000),
     ("settings.py", "HOST = " + "+".join(["'x'"] * 5000)), (".env", "A=b" + " " * 100_000 + "c"),
     ("x.yml", "a: &a {<<: *a}\nb: " * 2000)],
)  # fmt: skip
def test_what_is_not_of_its_format_is_said_so_at_once(name: str, text: str) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        entries(name, text)
    assert caught.value.__cause__ is None or "x.yml" not in str(caught.value.__cause__)


def test_aliases_that_multiply_are_given_up() -> None:
    levels = "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(NotUnderstoodError):
        entries("x.yml", "a: &a []\n" + levels)
    merges = "a: &a {x: 1}\n" + "".join(
        f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(NotUnderstoodError):
        entries("x.yml", merges)


def test_an_alias_that_holds_itself_ends() -> None:
    assert entries("x.yml", "a: &a\n  host: h\n  again: *a\n")[0].value == "h"


def test_an_entry_shows_no_value() -> None:
    assert "hunter2" not in repr(entries(".env", "DB_PASSWORD=hunter2"))
